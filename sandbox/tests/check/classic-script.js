// Written for another platform.
var rates = { DE: 0.19, AT: 0.2 };
function main(input) {
  with (rates) {
    return input.net * (1 + DE);
  }
}
