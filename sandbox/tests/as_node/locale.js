// What the locale methods give for en-US and UTC, and how texts compare.
const numbers = [0, -0, 1, 1.005, 1234567.891, -0.0001, -1234.5, 1e21, 1.5e-7, 123456789012345680000, 0.5, 1.0005, NaN, Infinity, -Infinity,
  5e-324, 999.9995, 999999.9996, 0.1 + 0.2, 1e6, 12345n, -1234567n, 100.5, 2.5, 3.5, 0.285, 0.145, 1.115, 0.256];
const forms = [undefined, {}, { maximumFractionDigits: 0 }, { minimumFractionDigits: 2 }, { minimumFractionDigits: 2, maximumFractionDigits: 2 },
  { style: 'percent' }, { style: 'percent', minimumFractionDigits: 1 }, { useGrouping: false }, { maximumFractionDigits: 1 },
  { style: 'decimal', notAnOption: 1 }];
const times = [0, -1, -62167219200001, -62135596800000, 253402300800000, -8.64e15, 8.64e15, 1774780200000, 951782400000, NaN, 43200000, 46800000];
const words = ['', 'a', 'A', 'b', 'B', 'ab', 'aB', 'Ab', 'Zoe', 'anna', 'Ärzte', 'Öl', 'öl', 'Ole', 'ole', 'resume', 'résumé', 'Resume', 'Résumé',
  'œuf', 'oeuf', 'straße', 'strasse', 'Strasse', '10', '9', '2', '1.5', '1.25', 'a10', 'a9', 'a2b', 'a02b', '_x', '-x', 'co-op', 'coop', 'co op',
  'a b', 'ab c', 'x’y', "x'y", '"q"', '“q”', 'é', 'e', 'E\u0301', 'ñandu', 'nz', 'Łódź', 'lodz', 'đ', 'd', 'ð', 'þorn', 'zz', 'ø', 'o', 'æ', 'ae',
  'ad', 'af', 'ÅA', 'Aa', 'ç', 'c', 'č', '€5', '$5', '£5', '#1', '&', '(x)', '[x]', '{x}', '@', '*', '…', '...', '\u00a0x', ' x', '\tx',
  'x\ny', '한국', '가', '각', '漢字', '中', 'ő', 'ž', 'ß', 'ss', 'SS', 'x–y', 'x-y', 'x—y', '50%', '±', '°', '·', '«a»', '‹a›', '¿', '¡'];
const rules = [undefined, { numeric: true }, { sensitivity: 'base' }, { sensitivity: 'accent' }, { sensitivity: 'case' }, { numeric: true, sensitivity: 'base' }];

export default () => ({
  numbers: numbers.map((number) => forms.map((form) => number.toLocaleString('en-US', form))),
  plain: numbers.map((number) => [number.toLocaleString(), number.toLocaleString('en', undefined)]),
  times: times.map((time) => ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'].map((method) =>
    [new Date(time)[method](), new Date(time)[method]('en-US', { timeZone: 'UTC' })])),
  sorted: [undefined, 'de', 'fr', 'en-GB'].map((locale) => rules.map((rule) => [...words].sort((a, b) => a.localeCompare(b, locale, rule)).join('|'))),
  // One digit for each pair: 0 before, 1 the same, 2 behind.
  compared: rules.map((rule) => words.map((a) => words.map((b) => a.localeCompare(b, undefined, rule) + 1).join(''))),
  lists: [[1234.5, null, 'x', [1e6]].toLocaleString(), new Float64Array([1234.5, 2]).toLocaleString()],
  cases: ['iı'.toLocaleUpperCase(), 'I'.toLocaleLowerCase('de'), 'ß'.toLocaleUpperCase('de-DE')],
});
