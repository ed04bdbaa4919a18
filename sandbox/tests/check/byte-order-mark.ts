export default function main() {
  const a = 1;
  a = 2;
}
