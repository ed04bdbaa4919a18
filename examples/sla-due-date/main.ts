/**
 * When an answer is due: targets count only working minutes of a calendar in a stated time zone.
 *
 * There is no Intl here, so the zone's offsets come with the input: each holds from an instant on. A window of working
 * time is turned into instants first, so that a day of 23 or 25 hours counts for what it is.
 */
interface Zone {
  name: string;
  /** Minutes to add to UTC, from an instant on; the earliest also holds before it. */
  offsets: { from: string; minutes: number }[];
}

interface Calendar {
  /** Working windows of a weekday, "08:00-12:00"; Sunday is 0. "24:00" is the end of the day. */
  windows: Record<string, string[]>;
  /** Local dates without working time. */
  holidays: string[];
}

interface Input {
  zone: Zone;
  calendars: Record<string, Calendar>;
  targets: Record<string, { calendar: string; minutes: number }>;
  asOf: string;
  tickets: { id: string; priority: string; openedAt: string }[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const DAYS_MAX = 730;

/** An instant, in milliseconds since 1970. The text must say its offset. */
function instant(text: string): number {
  const ms = /(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms)) throw new RangeError(`Not a date and time with an offset: ${text}`);
  return ms;
}

class LocalTime {
  private readonly offsets: { fromMs: number; shiftMs: number }[];

  constructor(zone: Zone) {
    if (zone.offsets.length === 0) throw new RangeError(`Zone ${zone.name} has no offsets`);
    this.offsets = zone.offsets
      .map(({ from, minutes }) => ({ fromMs: instant(from), shiftMs: minutes * MINUTE_MS }))
      .sort((a, b) => a.fromMs - b.fromMs);
  }

  shiftAt(ms: number): number {
    return (this.offsets.findLast(({ fromMs }) => fromMs <= ms) ?? this.offsets[0]).shiftMs;
  }

  /** Local wall-clock time as if it were UTC. */
  toLocal(ms: number): number {
    return ms + this.shiftAt(ms);
  }

  /** The instant of a local time: the first of two when clocks go back, the moment of the change when it is skipped. */
  toInstant(localMs: number): number {
    const matches = this.offsets.map(({ shiftMs }) => localMs - shiftMs).filter((ms) => this.toLocal(ms) === localMs);
    if (matches.length > 0) return Math.min(...matches);
    const skipped = this.offsets.find(({ fromMs }) => this.toLocal(fromMs) > localMs && fromMs + this.shiftAt(fromMs - 1) <= localMs);
    if (!skipped) throw new RangeError(`No such local time: ${new Date(localMs).toISOString()}`);
    return skipped.fromMs;
  }

  format(ms: number): string {
    const shift = this.shiftAt(ms) / MINUTE_MS;
    const two = (value: number) => String(value).padStart(2, '0');
    const offset = `${shift < 0 ? '-' : '+'}${two(Math.floor(Math.abs(shift) / 60))}:${two(Math.abs(shift) % 60)}`;
    return new Date(this.toLocal(ms)).toISOString().slice(0, 19) + offset;
  }
}

/** The working windows from a moment on, as pairs of instants, in order. */
function* workingTime(calendar: Calendar, time: LocalTime, fromMs: number): Generator<[number, number]> {
  const holidays = new Set(calendar.holidays);
  const midnight = Math.floor(time.toLocal(fromMs) / DAY_MS) * DAY_MS;
  for (let day = midnight; day < midnight + DAYS_MAX * DAY_MS; day += DAY_MS) {
    const date = new Date(day);
    if (holidays.has(date.toISOString().slice(0, 10))) continue;
    for (const window of calendar.windows[date.getUTCDay()] ?? []) {
      const [start, end] = window.split('-').map((clock) => {
        const [hours, minutes] = clock.split(':').map(Number);
        return time.toInstant(day + (hours * 60 + minutes) * MINUTE_MS);
      });
      if (end > fromMs) yield [Math.max(start, fromMs), end];
    }
  }
}

function dueAt(calendar: Calendar, time: LocalTime, openedMs: number, minutes: number): number {
  let leftMs = minutes * MINUTE_MS;
  for (const [start, end] of workingTime(calendar, time, openedMs)) {
    if (end - start >= leftMs) return start + leftMs;
    leftMs -= end - start;
  }
  throw new RangeError(`${minutes} working minutes are not reached within ${DAYS_MAX} days`);
}

function minutesBetween(calendar: Calendar, time: LocalTime, fromMs: number, toMs: number): number {
  let ms = 0;
  for (const [start, end] of workingTime(calendar, time, fromMs)) {
    if (start >= toMs) break;
    ms += Math.min(end, toMs) - start;
  }
  return ms / MINUTE_MS;
}

export default function (input: Input) {
  const time = new LocalTime(input.zone);
  const asOf = instant(input.asOf);
  return {
    zone: input.zone.name,
    tickets: input.tickets.map(({ id, priority, openedAt }) => {
      const target = input.targets[priority];
      const calendar = target && input.calendars[target.calendar];
      if (!calendar) throw new RangeError(`${id}: no target for priority ${priority}`);
      const due = dueAt(calendar, time, instant(openedAt), target.minutes);
      return {
        id,
        openedAt: time.format(instant(openedAt)),
        dueAt: time.format(due),
        dueAtUtc: new Date(due).toISOString(),
        state: due <= asOf ? 'overdue' : 'open',
        workingMinutesLeft: due <= asOf ? 0 : minutesBetween(calendar, time, Math.max(asOf, instant(openedAt)), due),
      };
    }),
  };
}
