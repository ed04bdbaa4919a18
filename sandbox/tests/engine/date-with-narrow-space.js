export default () => [
  Date.parse('1/2/2024, 3:04:05\u202fPM'),
  Date.parse('1/2/2024, 3:04:05 PM'),
  new Date('January 2, 2024 3:04\u202fAM').toISOString(),
];
