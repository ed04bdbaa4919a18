// Building, splitting and searching text.
function main() {
  let text = '';
  for (let i = 0; i < 1500; i++) text += `row ${i};${i * 3};name-${i % 17}\n`;
  let sum = 0;
  for (const line of text.split('\n')) {
    const [row, number, name] = line.split(';');
    if (name !== undefined && name.endsWith('-3')) sum += Number(number) + row.indexOf(' ') + name.toUpperCase().length;
  }
  return sum;
}
