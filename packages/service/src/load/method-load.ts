/** How a call ended, as far as it tells of its server. */
export type CallEnd =
  /** The caller has its answer. */
  | 'answered'
  /** The caller left before: how long the call would have taken, nobody knows. */
  | 'left'
  /** There was too much to do. */
  | 'refused'
  /** The server failed. */
  | 'failed';

/** What a server has to do for the calls of one method, of late. */
export interface MethodFigures {
  /** Calls that ended a second. */
  readonly callsPerSecond: number;
  /** Of those, the ones that the server failed. */
  readonly faultsPerSecond: number;
  /** Calls in flight at a time. Its ratio to the calls a second is what one takes, in seconds. */
  readonly utilization: number;
}

/** How long a change takes to show: what is older than this counts for a third. Milliseconds. */
const WINDOW_MS = 1_000;

/**
 * What a call takes beside its handler's time. Replicas that differ by less are alike: how long a handler of a few
 * microseconds takes says more of the moment than of its server. Milliseconds.
 */
const AROUND_MS = 0.5;

/**
 * What a call counts for beside its time where the server failed or refused it: else the replica that fails fastest were
 * the one that gets the most. Milliseconds.
 */
const FAULT_MS = 250;

/**
 * The load that the calls of one method are. It counts time as it passes, so that calls that don't come to an end show.
 *
 * Source: Little, "A Proof for the Queuing Formula L = λW", 1961: the mean number in flight is the rate times the time.
 */
export class MethodLoad {
  #inFlight = 0;
  /** Up to when the calls in flight are counted in `#busyMs`. */
  #countedAt: number;
  /** Since when calls, faults and the time they took are counted. */
  #since: number;
  #calls = 0;
  #faults = 0;
  #busyMs = 0;
  #figures: MethodFigures = { callsPerSecond: 0, faultsPerSecond: 0, utilization: 0 };

  constructor(now: number) {
    this.#countedAt = now;
    this.#since = now;
  }

  begin(now: number): void {
    this.#count(now);
    this.#inFlight += 1;
  }

  end(how: CallEnd, now: number): void {
    this.#count(now);
    this.#inFlight -= 1;
    if (how === 'left') return;
    this.#calls += 1;
    this.#busyMs += AROUND_MS;
    if (how === 'answered') return;
    this.#busyMs += FAULT_MS;
    if (how === 'failed') this.#faults += 1;
  }

  /** The figures now: each the mean over the time before, where what is longer ago counts for less. */
  read(now: number): MethodFigures {
    this.#count(now);
    const passedMs = now - this.#since;
    const kept = Math.exp(-passedMs / WINDOW_MS);
    // What came in no time at all counts as if it had come in the shortest there is.
    const rate = passedMs > 0 ? (1 - kept) / passedMs : 1 / WINDOW_MS;
    const { callsPerSecond, faultsPerSecond, utilization } = this.#figures;
    this.#figures = {
      callsPerSecond: callsPerSecond * kept + this.#calls * rate * 1_000,
      faultsPerSecond: faultsPerSecond * kept + this.#faults * rate * 1_000,
      utilization: utilization * kept + this.#busyMs * rate,
    };
    this.#since = now;
    this.#calls = 0;
    this.#faults = 0;
    this.#busyMs = 0;
    return this.#figures;
  }

  #count(now: number): void {
    this.#busyMs += this.#inFlight * (now - this.#countedAt);
    this.#countedAt = now;
  }
}
