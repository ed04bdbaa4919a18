export default function main() {
  return "a\0b";
}
