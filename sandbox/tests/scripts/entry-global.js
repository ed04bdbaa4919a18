//@ {"input": 2}
//@ {"input": 2, "entry": "helper"}
//@ {"input": 2, "entry": "arrow"}
//@ {"entry": "parseInt"}
//@ {"entry": "nothing"}
function main(input) {
  return ['main', helper(input), this === globalThis];
}
function helper(input) {
  return input * 2;
}
const arrow = (input) => ['arrow', input];
