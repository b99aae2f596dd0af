import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** The pause before a long read, as a multiple of the time for which the event loop was busy. */
const SHARE = 2;
/** The longest pause before a read, in milliseconds, however busy the event loop is with other work. */
const MAX_PAUSE_MS = 20;
/** How long other work counts as going on after it was last noted. Milliseconds. */
const OTHER_WORK_MS = 1_000;
/** The number of values from which a result is long. A smaller one, such as 20 rows of 24 columns, is encoded within a millisecond. */
const LONG_VALUES = 500;
/** The characters of a text that count as one value. */
const TEXT_CHARACTERS = 256;

/**
 * Spaces many long reads, so that other work goes on. The next read begins once twice the time has passed for which
 * the event loop was busy between the last two reads. The reads and all other work together thus use about half of
 * the event loop. At least one read begins every 20 ms.
 */
export class Pace {
  readonly #utilization: () => EventLoopUtilization;
  #atLast: EventLoopUtilization;
  #nextAt = 0;
  /** `#nextAt` before the latest read. */
  #lastNextAt = 0;
  #reads = 0;
  #calls = 0;
  #otherWorkUntil = 0;

  constructor(utilization = (): EventLoopUtilization => performance.eventLoopUtilization()) {
    this.#utilization = utilization;
    this.#atLast = utilization();
  }

  /** Notes that there is other work, such as a short call. */
  noteOtherWork(): void {
    this.#otherWorkUntil = timeOf(this.#utilization()) + OTHER_WORK_MS;
  }

  /** Notes that a call has come that reads, or waits to. */
  noteCall(): void {
    this.#calls += 1;
  }

  /** Notes that such a call has ended. */
  noteEnd(): void {
    this.#calls -= 1;
  }

  /** Notes that a read begins, and returns its number. */
  noteRead(): number {
    const now = this.#utilization();
    const busyMs = now.active - this.#atLast.active;
    this.#lastNextAt = this.#nextAt;
    // A read that didn't have to wait ends no pause.
    this.#nextAt = Math.max(this.#nextAt, timeOf(now) + Math.min(SHARE * busyMs, MAX_PAUSE_MS));
    this.#atLast = now;
    this.#reads += 1;
    return this.#reads;
  }

  /** Notes that a read has turned out to be short. If no other has begun since, the next one needn't wait for it. */
  noteShort(read: number): void {
    if (read === this.#reads) this.#nextAt = this.#lastNextAt;
  }

  /** How long the next read has to wait. Milliseconds; 0 if it may begin now; a single call always may. */
  get pauseMs(): number {
    if (this.#calls <= 1) return 0;
    const now = timeOf(this.#utilization());
    return now < this.#otherWorkUntil ? Math.max(0, this.#nextAt - now) : 0;
  }
}

function timeOf({ idle, active }: EventLoopUtilization): number {
  return idle + active;
}

/** That of this process, which has one event loop. */
export const eventLoopPace = new Pace();

/** Whether a result is so small that no pause is needed after it. It counts the values in rows and in their arrays. */
export function isShort(result: unknown): boolean {
  return result !== undefined && countValues(result, LONG_VALUES) < LONG_VALUES;
}

/** Counts up to `limit`. */
function countValues(value: unknown, limit: number): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / TEXT_CHARACTERS);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 1;
  let count = 1;
  for (const part of isIterable(value) ? value : Object.values(value)) {
    count += countValues(part, limit - count);
    if (count >= limit) break;
  }
  return count;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}
