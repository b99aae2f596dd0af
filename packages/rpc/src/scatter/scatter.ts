import { clientErrors } from '../errors/client.js';
import type { RpcError } from '../status/rpc-error.js';
import { beginFanOut, type FanOut } from './fan-out.js';
import {
  type DistributionOptions,
  type PartResult,
  type PartResults,
  type Quorum,
  type ScatterOptions,
  type UnaryMethod,
  wholeNumber,
} from './options.js';
import { WorkQueue } from './work-queue.js';

const PER_INSTANCE = 2;
const MAX_ATTEMPTS = 3;

/**
 * Scatter-gather: distributes work over the instances of a service. `requests` are the parts of the work, each of which is
 * one call of `call`, a unary method of a client. An instance works on a few parts at once and gets the next one when it
 * has finished one. So a slow instance gets fewer parts, and an instance that starts meanwhile gets some too.
 *
 * ```ts
 * const parts = await scatter(calculator.evaluatePart, requests, { perInstance: 2 });
 * for (const { value, instance } of parts) { … }
 * ```
 *
 * If an instance goes away or takes too long, its part is retried at another instance, provided that the method is safe to
 * repeat or that the part provably reached no handler. A part gets one attempt at each instance, and 3 (`maxAttempts`) in
 * all. Other failures are final for the part.
 *
 * The parts belong to the call in whose handler `scatter` is called: they have its deadline and end with it.
 *
 * @returns the result of each part with the instance that it came from, in the order of `requests`.
 * @throws RpcError the first failure of a part if `require` is `all` or the quorum can't be reached any more; why
 *   the work was ended, if a deadline, the signal or the surrounding call ended it; `UNAVAILABLE` if no instance is known.
 */
export async function scatter<Req, Res, const R extends Quorum = 'all'>(
  call: UnaryMethod<Req, Res>,
  requests: Iterable<NoInfer<Req>>,
  options: ScatterOptions<R> = {},
): Promise<PartResults<Res, R>> {
  const all = [...requests];
  const fanOut = beginFanOut(call, options);
  try {
    await fanOut.fleet.known(fanOut.context);
    const parts = await collect(fanOut, all, { ...distributionOf(options), require: options.require ?? 'all' });
    // If all are required, the outcome holds no failed part.
    return parts as PartResults<Res, R>;
  } finally {
    fanOut.context.end(clientErrors.NOT_NEEDED());
  }
}

/** The options for distributing parts over instances, with defaults. @throws RangeError if one isn't an integer of at least 1. */
export function distributionOf({ perInstance = PER_INSTANCE, maxAttempts = MAX_ATTEMPTS }: DistributionOptions) {
  return { perInstance: wholeNumber('perInstance', perInstance), maxAttempts: wholeNumber('maxAttempts', maxAttempts) };
}

interface CollectOptions {
  readonly require: Quorum;
  readonly perInstance: number;
  readonly maxAttempts: number;
}

function collect<Req, Res>(
  fanOut: FanOut<Req, Res>,
  requests: readonly Req[],
  { require, ...distribution }: CollectOptions,
): Promise<readonly PartResult<Res>[]> {
  const gathering = gather<Res>(requests.length, require);
  return new Promise((resolve, reject) => {
    const end = (rest?: RpcError) => {
      queue.stop();
      fanOut.context.offEnd(onLimit);
      try {
        resolve(gathering.outcome(rest));
      } catch (error) {
        reject(error);
      }
    };
    const onLimit = () => end(fanOut.context.reason);
    const queue = new WorkQueue<Req, Res>({
      fanOut,
      requests: requests[Symbol.iterator](),
      ...distribution,
      partsBefore: () => Number.POSITIVE_INFINITY,
      onPart(index, part) {
        gathering.note(index, part);
        if (gathering.decided) end();
      },
      onEnd: end,
      onFault: reject,
    });
    fanOut.context.onEnd(onLimit);
    queue.dispatch();
  });
}

/** Collects the results of parts and decides when there are enough. */
interface Gathering<T> {
  note(index: number, part: PartResult<T>): void;
  /** Whether no further part can change the outcome: enough have succeeded, or too many have failed. */
  readonly decided: boolean;
  /**
   * The results of all parts in order. Parts without a result have failed with `rest`.
   *
   * @throws RpcError the first failure, or `rest`, if too few parts have succeeded.
   */
  outcome(rest?: RpcError): readonly PartResult<T>[];
}

/** Gathers the results of `count` parts. @throws RangeError if the quorum is no count. @throws RpcError if it is too high. */
export function gather<T>(count: number, require: Quorum): Gathering<T> {
  const needed = neededOf(count, require);
  const parts = new Map<number, PartResult<T>>();
  let succeeded = 0;
  let firstError: RpcError | undefined;
  const failed = () => parts.size - succeeded > count - needed;
  return {
    note(index, part) {
      parts.set(index, part);
      if (part.ok) succeeded += 1;
      else firstError ??= part.error;
    },
    get decided() {
      return parts.size === count || failed() || (typeof require === 'object' && succeeded >= needed);
    },
    outcome(rest = clientErrors.NOT_NEEDED()) {
      if (failed() && firstError !== undefined) throw firstError;
      if (succeeded < needed) throw rest;
      const missing = { ok: false, error: rest, instance: undefined } as const;
      return Array.from({ length: count }, (_, index) => parts.get(index) ?? missing);
    },
  };
}

function neededOf(count: number, require: Quorum): number {
  if (require === 'all') return count;
  if (require === 'none') return 0;
  const { quorum } = require;
  if (!Number.isInteger(quorum) || quorum < 0) {
    throw new RangeError(`require.quorum must be a whole number of at least 0, is ${quorum}`);
  }
  if (quorum <= count) return quorum;
  throw clientErrors.QUORUM_OUT_OF_REACH({ quorum, areSoMany: count === 1 ? 'is 1' : `are ${count}` });
}
