import { type EventLoopUtilization, performance } from 'node:perf_hooks';

/** So many times as long as the event loop was busy, a long read has it. The rest is for other work. */
const SHARE = 2;
/** The longest pause before a read, in milliseconds: so many go on, however busy the event loop is with other work. */
const MAX_PAUSE_MS = 20;
/** Other work is going on if there was some in the last so many milliseconds. */
const OTHER_WORK_MS = 1_000;
/** Fewer values are made into messages in less than a millisecond, such as those of 20 rows of 24 columns. */
const LONG_VALUES = 500;
/** A text counts as a value for each so many characters. */
const TEXT_CHARACTERS = 256;

/**
 * When the next of many long reads may begin while other work goes on: not before twice the time has passed for which the event
 * loop was busy, with them and all else, between the two before it. So they take what the other work leaves of half of the event
 * loop, but at least one begins every 20 ms.
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

  /** How long the next read has to wait. Milliseconds; 0 if it may begin, as the only call may. */
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

/** Whether what was read is so little that no pause is needed after it. Counts the values in rows, and in their arrays. */
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
