import type { ServerCall } from '../call/index.js';
import type { Clock } from '../clock/index.js';
import type { Middleware } from '../middleware/index.js';
import type { StatusName } from '../status/index.js';
import { type CallOutcome, withOutcome } from './call-outcome.js';

/** How calls are logged. */
export interface CallLogOptions {
  readonly clock: Clock;
  /** A call that takes longer is logged as slow. Milliseconds; 1,000 by default. */
  readonly slowMs?: number;
  /** Of the calls that are neither slow nor failed, at most so many a second and method. 10 by default. */
  readonly perSecond?: number;
  /** Logs every call, at the level `debug`. */
  readonly everyCall?: boolean;
  /** Methods that are never logged unless they fail, by path. A stream of theirs that is only broken off hasn't failed. */
  readonly quiet?: ReadonlySet<string>;
}

/** Codes that say that this side is wrong. */
const FAULTS: ReadonlySet<StatusName> = new Set(['UNKNOWN', 'INTERNAL', 'DATA_LOSS']);
/** Codes that say that it couldn't: somebody should look, but nothing is broken here. */
const TROUBLES: ReadonlySet<StatusName> = new Set(['DEADLINE_EXCEEDED', 'UNAVAILABLE', 'RESOURCE_EXHAUSTED']);

/**
 * Logs calls as they end: every one that failed or was slow, and of the others some, with the count of those left out,
 * as a line costs as much as a whole call may.
 */
export function callLog(options: CallLogOptions): Middleware<ServerCall> {
  const { clock, slowMs = 1000, perSecond = 10, everyCall = false, quiet } = options;
  const samplers = new Map<string, Sampler>();

  function samplerOf(path: string): Sampler {
    let sampler = samplers.get(path);
    if (sampler === undefined) {
      sampler = new Sampler(perSecond);
      samplers.set(path, sampler);
    }
    return sampler;
  }

  function log(call: ServerCall, { code, durationMs, error }: CallOutcome): void {
    const { path, responseStream, requestStream } = call.method;
    const fields = { code, durationMs: Math.round(durationMs * 1000) / 1000, peer: call.peer };
    if (code !== 'OK') {
      const failure = { ...fields, error: error instanceof Error ? error.message : String(error) };
      // Its caller has left, as whoever watches does in the end: nobody was refused.
      if (code === 'CANCELLED') call.log.debug(failure, 'call cancelled');
      // A watch that a drain ends, for one: each client of a replica has one, and begins it again elsewhere.
      else if (code === 'UNAVAILABLE' && responseStream && quiet?.has(path))
        call.log.debug(failure, 'stream broken off');
      else if (FAULTS.has(code)) call.log.error(failure, 'call failed');
      else if (TROUBLES.has(code)) call.log.warn(failure, 'call failed');
      else call.log.info(failure, 'call refused');
    } else if (quiet?.has(path) === true) {
      return;
    } else if (durationMs > slowMs && !requestStream && !responseStream) {
      call.log.warn(fields, 'slow call');
    } else if (everyCall) {
      call.log.debug(fields, 'call');
    } else {
      const leftOut = samplerOf(path).admit(clock.now());
      if (leftOut !== undefined) call.log.info(leftOut > 0 ? { ...fields, leftOut } : fields, 'call');
    }
  }

  return (call, next) => withOutcome(call, next, { clock, onEnd: (outcome) => log(call, outcome) });
}

/** Admits so many a second, and counts the others. */
class Sampler {
  readonly #perSecond: number;
  #second = 0;
  #admitted = 0;
  #leftOut = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** How many were left out since the last that was admitted; undefined where this one is left out too. */
  admit(nowMs: number): number | undefined {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#admitted = 0;
    }
    if (this.#admitted >= this.#perSecond) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#admitted += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}
