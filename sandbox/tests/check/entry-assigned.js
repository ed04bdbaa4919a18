(function (root) {
  root.main = function (input) { return input; };
})(globalThis);
