import { Cron } from 'croner';

const FIVE_FIELDS = /^\s*\S+(?:\s+\S+){4}\s*$/;
/** Its second field. */
const EACH_HOUR = /^\s*\S+\s+\*\s/;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Times that have passed. */
export interface Missed {
  readonly latest: Date;
  /** How many there were. */
  readonly count: number;
  readonly next: Date;
}

/** The times of a schedule. */
export class Occurrences {
  readonly cron: string;
  readonly timeZone: string;
  /** What is wrong with it, as the end of a sentence; undefined if nothing is. */
  readonly fault: string | undefined;
  readonly #cron: Cron | undefined;
  readonly #clock: LocalClock | undefined;

  constructor({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }) {
    this.cron = cron;
    this.timeZone = timeZone || 'UTC';
    try {
      // A date, which the library takes for a pattern, is at one time only.
      if (!FIVE_FIELDS.test(cron)) throw new Error('it has other fields');
      this.#clock = new LocalClock(this.timeZone);
      // The library finds each hour, also on days of a change; other hours are found on the clock, as the library repeats some there.
      this.#cron = inZone(cron, EACH_HOUR.test(cron) ? this.timeZone : 'UTC');
      const never = this.#cron.nextRun() === null;
      this.fault = never ? `.cron is "${cron}", which is at no time: give a day that exists` : undefined;
    } catch (error) {
      this.fault = isTimeZone(this.timeZone)
        ? `.cron is "${cron}": give five fields, such as "0 9 * * MON-FRI" (${error instanceof Error ? error.message : error})`
        : `.time_zone is "${timeZone}": give an IANA name, such as "Europe/Berlin"`;
    }
  }

  /** The first time after `from`. */
  after(from: Date): Date {
    if (this.#cron === undefined || this.#clock === undefined) throw new Error(`the schedule${this.fault}`);
    if (EACH_HOUR.test(this.cron)) return nextOf(this.#cron, from);
    let time = from;
    for (let shown = this.#clock.at(from.getTime()); time <= from; time = new Date(this.#clock.timeOf(shown)))
      shown = nextOf(this.#cron, new Date(shown)).getTime();
    return time;
  }

  /** The times from `first`, which is one of them, up to `now`. */
  missed(first: Date, now: Date): Missed {
    const next = this.after(now);
    const clock = this.#clock;
    if (clock === undefined || this.after(first) > now) return { latest: first, count: 1, next };
    let [latest, count] = [first.getTime(), 1];
    const { isOn, times } = daysOf(this.cron);
    const stop = now.getTime() + 1;
    for (let from = latest + 1, end = from; from < stop; from = end) {
      const shown = clock.at(from);
      const inDay = shown % DAY_MS;
      end = Math.min(from + DAY_MS - inDay, stop);
      if (!clock.isSteady(from, end)) end = Math.min(from + HOUR_MS, end);
      // A day's times are counted at once, but around a change of the clock one by one.
      const found: number[] = [];
      if (!clock.isSteady(from, end))
        for (let time = this.after(new Date(from - 1)); time.getTime() < end; time = this.after(time))
          found.push(time.getTime());
      else if (isOn(new Date(shown - inDay)))
        found.push(...times.map((time) => from + time - inDay).filter((time) => time >= from && time < end));
      latest = found.at(-1) ?? latest;
      count += found.length;
    }
    return { latest: new Date(latest), count, next };
  }
}

const inZone = (cron: string, timezone: string) => new Cron(cron, { timezone, mode: '5-part' });

function nextOf(cron: Cron, from: Date): Date {
  const next = cron.nextRun(from);
  if (next === null) throw new Error(`${cron.getPattern()} has no time after ${from.toISOString()}`);
  return next;
}

/** The days of a schedule, and its times on each, in milliseconds after midnight. */
function daysOf(cron: string) {
  const [minute, hour, ...day] = cron.trim().split(/\s+/);
  const upTo = (most: number, part: string): number[] => {
    const runs = inZone(part, 'UTC').nextRuns(60, new Date(-1));
    return runs.map((time) => time.getTime()).filter((time) => time < most);
  };
  const [hours, minutes] = [upTo(DAY_MS, `0 ${hour} * * *`), upTo(HOUR_MS, `${minute} * * * *`)];
  const days = inZone(`0 0 ${day.join(' ')}`, 'UTC');
  return {
    isOn: (midnight: Date) => days.match(midnight),
    times: hours.flatMap((ofHour) => minutes.map((ofMinute) => ofHour + ofMinute)),
  };
}

/** The clock of a time zone. What it shows is given as if it were UTC; both are milliseconds since the epoch. */
class LocalClock {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError if there is no such time zone. */
  constructor(timeZone: string) {
    const [number, hourCycle] = ['numeric', 'h23'] as const;
    const fields = { year: number, month: number, day: number, hour: number, minute: number, second: number };
    this.#format = new Intl.DateTimeFormat('en', { ...fields, timeZone, hourCycle });
  }

  /** What it shows at a time. */
  at(time: number): number {
    const parts = this.#format.formatToParts(time).map(({ type, value }) => [type, Number(value)]);
    const { year = 0, month = 1, day, hour, minute, second } = Object.fromEntries(parts);
    return Date.UTC(year, month - 1, day, hour, minute, second) + (time % 1_000);
  }

  /** When it first shows this; if a change leaves that out, when the change is. */
  timeOf(shown: number): number {
    const offsets = [shown - DAY_MS, shown + DAY_MS].map((time) => this.at(time) - time);
    let [early, time] = [shown - Math.max(...offsets), shown - Math.min(...offsets)];
    if (this.at(early) >= shown) return early;
    // From a time when it shows less to one when it shows this or more, it isn't put back.
    while (time - early > 1) {
      const middle = Math.floor((early + time) / 2);
      if (this.at(middle) >= shown) time = middle;
      else early = middle;
    }
    return time;
  }

  /** Whether it isn't changed up to a time, and wasn't for longer before than it is ever put back. */
  isSteady(from: number, end: number): boolean {
    const before = from - 3 * HOUR_MS;
    return this.at(end - 1) - this.at(before) === end - 1 - before;
  }
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
