export function messageOf(error) {
  return [error?.message, error].find((text) => typeof text === 'string') ?? 'what was thrown is not an Error';
}
