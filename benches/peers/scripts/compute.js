// Primes by a sieve and a checksum over them: about five milliseconds in V8.
function main(input) {
  const sieve = new Uint8Array(input.limit + 1);
  let checksum = 0;
  for (let round = 0; round < input.rounds; round++) {
    sieve.fill(0);
    for (let n = 2; n <= input.limit; n++) {
      if (sieve[n] === 0) {
        checksum = (checksum * 31 + n) % 1000003;
        for (let multiple = n * 2; multiple <= input.limit; multiple += n) sieve[multiple] = 1;
      }
    }
  }
  return checksum;
}
