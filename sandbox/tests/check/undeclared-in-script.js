total = 0;
function main(input) {
  with (input) {
    total += price;
  }
  return total + totl;
}
