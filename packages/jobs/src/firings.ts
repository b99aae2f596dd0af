import { Cron } from 'croner';

/** More missed times aren't counted. */
const MAX_MISSED = 1_000;

/** Or a name for five, such as `@daily`. */
const FIVE_FIELDS = /^\s*(?:@\w+|\S+(?:\s+\S+){4})\s*$/;

/** Times that have passed. */
export interface Missed {
  readonly latest: Date;
  /** How many there were, up to 1,000. */
  readonly count: number;
  readonly next: Date;
}

/** The times of a schedule. */
export class Firings {
  readonly cron: string;
  readonly timeZone: string;
  /** What is wrong with it, as the end of a sentence; undefined if nothing is. */
  readonly fault: string | undefined;
  readonly #cron: Cron | undefined;

  constructor({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }) {
    this.cron = cron;
    this.timeZone = timeZone || 'UTC';
    try {
      // A date, which the library takes for a pattern, is at one time only.
      if (!FIVE_FIELDS.test(cron)) throw new Error('it has other fields');
      this.#cron = new Cron(cron, { timezone: this.timeZone, mode: '5-part' });
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
    const next = this.#cron?.nextRun(from);
    if (next == null) throw new Error(`${this.cron} has no time after ${from.toISOString()}`);
    return next;
  }

  /** The times from `first`, which is one of them, up to `now`. */
  missed(first: Date, now: Date): Missed {
    let latest = first;
    let count = 1;
    for (let next = this.after(latest); next <= now; next = this.after(latest)) {
      if (count === MAX_MISSED) {
        latest = this.#cron?.previousRuns(1, new Date(now.getTime() + 1))[0] ?? latest;
        break;
      }
      latest = next;
      count += 1;
    }
    return { latest, count, next: this.after(now) };
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
