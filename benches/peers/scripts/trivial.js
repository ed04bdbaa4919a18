function main(input) {
  return { ok: true, id: input.id };
}
