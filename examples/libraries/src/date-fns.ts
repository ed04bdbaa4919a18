/** A payment plan with date-fns: instalments at the end of each month, moved off weekends and holidays. The clock of the sandbox is UTC. */
import {
  addBusinessDays, addMonths, differenceInCalendarDays, eachWeekendOfMonth, endOfMonth, format, formatDistanceStrict, formatISO, getISOWeek,
  isSameDay, isValid, isWeekend, nextMonday, parse, parseISO,
} from 'date-fns';
import { de, fr } from 'date-fns/locale';

interface Input {
  signedOn: string;
  months: number;
  cents: number;
  holidays: string[];
  typed: string[];
}

const day = (date: Date) => formatISO(date, { representation: 'date' });

export default function (input: Input) {
  const signed = parseISO(input.signedOn);
  const holidays = input.holidays.map((text) => parseISO(text));
  const share = Math.floor(input.cents / input.months);

  const instalments = Array.from({ length: input.months }, (_, index) => {
    const month = addMonths(signed, index + 1);
    let due = endOfMonth(month);
    while (isWeekend(due) || holidays.some((holiday) => isSameDay(holiday, due))) due = isWeekend(due) ? nextMonday(due) : addBusinessDays(due, 1);
    return {
      due: day(due),
      german: format(due, 'EEEE, d. MMMM yyyy', { locale: de }),
      french: format(due, 'PPPP', { locale: fr }),
      week: getISOWeek(due),
      daysFromSigning: differenceInCalendarDays(due, signed),
      inWords: formatDistanceStrict(due, signed, { locale: de, addSuffix: true }),
      cents: index === 0 ? input.cents - share * (input.months - 1) : share,
    };
  });

  return {
    instalments,
    remindBy: day(addBusinessDays(parseISO(instalments[0].due), -3)),
    weekends: eachWeekendOfMonth(signed).map(day),
    typed: input.typed.map((text) => {
      const date = parse(text, 'dd.MM.yyyy', new Date(0));
      return isValid(date) ? day(date) : null;
    }),
  };
}
