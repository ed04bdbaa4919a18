//@ {"entry": "date"}
//@ {"entry": "weekday"}
//@ {"entry": "zone"}
//@ {"entry": "currency"}
//@ {"entry": "digits"}
//@ {"entry": "list"}
//@ {"entry": "collation"}
//@ {"entry": "letters"}
//@ {"entry": "punctuation"}
//@ {"entry": "sensitivity"}
//@ {"entry": "upperFirst"}
//@ {"entry": "capitals"}
//@ {"entry": "caught"}
const day = new Date(Date.UTC(2026, 3, 10));
export const date = (): string => day.toLocaleDateString('de-DE');
export const weekday = (): string => day.toLocaleDateString('en-US', { weekday: 'long' });
export const zone = (): string => day.toLocaleTimeString('en-US', { timeZone: 'America/New_York' });
export const currency = (): string => (1234.5).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' });
export const digits = (): string => (1234.5).toLocaleString(undefined, { maximumSignificantDigits: 2 });
export const list = (): string => [1.5].toLocaleString('fr');
export const collation = (): number => 'a'.localeCompare('b', 'sv');
export const letters = (): number => 'ж'.localeCompare('и');
export const punctuation = (): number => 'co-op'.localeCompare('coop', undefined, { ignorePunctuation: true });
export const sensitivity = (): number => 'a'.localeCompare('A', 'en', { sensitivity: 'ignore' as any });
export const upperFirst = (): string[] => ['a', 'A'].sort((a, b) => a.localeCompare(b, 'en', { caseFirst: 'upper' }));
export const capitals = (): string => 'i'.toLocaleUpperCase('tr');
export const caught = (): unknown => {
  try {
    return day.toLocaleString('ja');
  } catch (error: any) {
    return [error instanceof RangeError, error.code, error.message];
  }
};
