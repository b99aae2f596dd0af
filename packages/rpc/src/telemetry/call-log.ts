import type { Clock } from '@rondo/base';
import type { ServerCall } from '../call/call.js';
import { callPrincipal } from '../call/values.js';
import type { Middleware } from '../middleware/middleware.js';
import type { StatusName } from '../status/code.js';
import { ShuttingDown } from '../status/wire-errors.js';
import { type CallOutcome, withOutcome } from './call-outcome.js';

export interface CallLogOptions {
  readonly clock: Clock;
  /** A call that takes longer than this is logged as slow. Milliseconds; 1,000 by default. */
  readonly slowMs?: number;
  /** How many calls that are neither slow nor failed are logged, per second and method. 10 by default. */
  readonly perSecond?: number;
  /** Whether to log every call, at the level `debug`. It is called for each call. By default only some are logged. */
  readonly everyCall?: () => boolean;
  /**
   * Paths of methods that are logged only if they fail. A stream of these methods that ends with `UNAVAILABLE`, as
   * in a drain, doesn't count as failed.
   */
  readonly quiet?: ReadonlySet<string>;
}

/** Codes of a fault on this side. */
const FAULTS: ReadonlySet<StatusName> = new Set(['UNKNOWN', 'INTERNAL', 'DATA_LOSS']);
/** Codes of a condition that an operator should look at, although nothing is broken on this side. */
const TROUBLES: ReadonlySet<StatusName> = new Set(['DEADLINE_EXCEEDED', 'UNAVAILABLE', 'RESOURCE_EXHAUSTED']);

/**
 * Logs calls when they end. It logs every call that failed or was slow, and samples the others, because one line may
 * cost as much as a whole call. A sampled line has the count of calls that were left out.
 */
export function callLog(options: CallLogOptions): Middleware<ServerCall> {
  const { clock, slowMs = 1000, perSecond = 10, everyCall = () => false, quiet } = options;
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
    const fields = () => fieldsOf(call, code, durationMs);
    if (code !== 'OK') {
      const failure = { ...fields(), error: error instanceof Error ? error.message : String(error) };
      // The caller cancelled. Every watch ends like this, and nothing was refused.
      if (code === 'CANCELLED') call.log.debug(failure, 'call cancelled');
      // Each client of a replica has such streams, and opens them elsewhere.
      else if (code === 'UNAVAILABLE' && responseStream && (quiet?.has(path) || isDrained(call)))
        call.log.debug(failure, 'stream broken off');
      else if (FAULTS.has(code)) call.log.error(failure, 'call failed');
      else if (TROUBLES.has(code)) call.log.warn(failure, 'call failed');
      else call.log.info(failure, 'call refused');
    } else if (quiet?.has(path) === true) {
      return;
    } else if (durationMs > slowMs && !requestStream && !responseStream) {
      call.log.warn(fields(), 'slow call');
    } else if (everyCall()) {
      call.log.debug(fields(), 'call');
    } else {
      const leftOut = samplerOf(path).admit(clock.now());
      if (leftOut !== undefined) call.log.info(leftOut > 0 ? { ...fields(), leftOut } : fields(), 'call');
    }
  }

  return (call, next) => withOutcome(call, next, { clock, onEnd: (outcome) => log(call, outcome) });
}

/** Whether a drain has ended a stream at once, because it would never have ended by itself. */
const isDrained = ({ context, deadline }: ServerCall): boolean =>
  deadline === undefined && context.reason instanceof ShuttingDown;

function fieldsOf({ peer, previousAttempts, values }: ServerCall, code: StatusName, durationMs: number): object {
  const fields = { code, durationMs: Math.round(durationMs * 1000) / 1000, peer };
  const principal = values.get(callPrincipal)?.subject;
  if (previousAttempts === 0 && principal === undefined) return fields;
  return {
    ...fields,
    ...(principal !== undefined && { principal }),
    ...(previousAttempts > 0 && { previousAttempts }),
  };
}

/** Admits a number of log lines per second, and counts the others. */
export class Sampler {
  readonly #perSecond: number;
  #second = 0;
  #admitted = 0;
  #leftOut = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** The number of lines left out since the last one admitted; undefined if this line is left out too. */
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
