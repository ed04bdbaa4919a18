// Recursive calls.
function fibonacci(n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

function main() {
  return fibonacci(22);
}
