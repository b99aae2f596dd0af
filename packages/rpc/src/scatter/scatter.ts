import { RpcError, Status } from '../status/index.js';
import {
  counted,
  type Part,
  type Parts,
  type Requirement,
  type ScatterOptions,
  type SharingOptions,
  type UnaryMethod,
} from './options.js';
import { beginWhole, notNeeded, type Whole } from './whole.js';
import { WorkQueue } from './work-queue.js';

const PER_INSTANCE = 2;
const MAX_TRIES = 3;

/** How parts are shared out where nobody said. */
export function sharing({ perInstance = PER_INSTANCE, maxTries = MAX_TRIES }: SharingOptions) {
  return { perInstance: counted('perInstance', perInstance), maxTries: counted('maxTries', maxTries) };
}

/**
 * Splits a piece of work over the live instances of a service: `requests` are its parts, each a call of `call`, a unary
 * method of a client. Each instance works on a few parts at once and gets another when it has done one, so that a slow
 * one does less; one that comes meanwhile joins in. Gives what came of each part, in order, and who did it.
 *
 * ```ts
 * const parts = await scatter(calculator.evaluatePart, requests, { perInstance: 2 });
 * for (const { value, instance } of parts) { … }
 * ```
 *
 * A part whose instance goes away, or takes too long, is tried at another, where the method is safe to repeat or the part
 * provably reached no handler: at each once, and at three that it burdens. Any other failure is the part's own. The parts
 * belong to the call in which this is called: they have its deadline and end with it.
 *
 * @throws RpcError the first failure of a part, where `require` is `all`, or of a quorum that can't be reached; why the
 *   whole was ended; `UNAVAILABLE` where no instance is known.
 */
export async function scatter<Req, Res, const R extends Requirement = 'all'>(
  call: UnaryMethod<Req, Res>,
  requests: Iterable<NoInfer<Req>>,
  options: ScatterOptions<R> = {},
): Promise<Parts<Res, R>> {
  const all = [...requests];
  const whole = beginWhole(call, options);
  try {
    await whole.fleet.known(whole.limit);
    const parts = await collect(whole, all, { ...sharing(options), require: options.require ?? 'all' });
    // Where all are required, the outcome has none that was lost.
    return parts as Parts<Res, R>;
  } finally {
    whole.limit.end(notNeeded());
  }
}

interface CollectOptions {
  readonly require: Requirement;
  readonly perInstance: number;
  readonly maxTries: number;
}

function collect<Req, Res>(
  whole: Whole<Req, Res>,
  requests: readonly Req[],
  { require, ...shares }: CollectOptions,
): Promise<readonly Part<Res>[]> {
  const gathering = gather<Res>(requests.length, require);
  return new Promise((resolve, reject) => {
    const end = (rest?: RpcError) => {
      queue.stop();
      whole.limit.offEnd(onLimit);
      try {
        resolve(gathering.outcome(rest));
      } catch (error) {
        reject(error);
      }
    };
    const onLimit = () => end(whole.limit.reason);
    const queue = new WorkQueue<Req, Res>({
      whole,
      requests: requests[Symbol.iterator](),
      ...shares,
      horizon: () => Number.POSITIVE_INFINITY,
      onPart(index, part) {
        gathering.note(index, part);
        if (gathering.certain) end();
      },
      onEnd: end,
      onFault: reject,
    });
    whole.limit.onEnd(onLimit);
    queue.pump();
  });
}

/** What has come of the parts so far, and whether that is enough. */
interface Gathering<T> {
  note(index: number, part: Part<T>): void;
  /** Whether no further part can change the outcome: enough are done, or too few can be. */
  readonly certain: boolean;
  /** All parts in order; those that nothing is known of were lost to `rest`. @throws RpcError where too few are done. */
  outcome(rest?: RpcError): readonly Part<T>[];
}

/** Gathers `count` parts of which so many have to be done as `require` says. */
export function gather<T>(count: number, require: Requirement): Gathering<T> {
  const needed = neededOf(count, require);
  const parts = new Map<number, Part<T>>();
  let done = 0;
  let firstLoss: RpcError | undefined;
  const failed = () => parts.size - done > count - needed;
  return {
    note(index, part) {
      parts.set(index, part);
      if (part.ok) done += 1;
      else firstLoss ??= part.error;
    },
    get certain() {
      return parts.size === count || failed() || (typeof require === 'object' && done >= needed);
    },
    outcome(rest = notNeeded()) {
      if (failed() && firstLoss !== undefined) throw firstLoss;
      if (done < needed) throw rest;
      const lost = { ok: false, error: rest, instance: undefined } as const;
      return Array.from({ length: count }, (_, index) => parts.get(index) ?? lost);
    },
  };
}

function neededOf(count: number, require: Requirement): number {
  if (require === 'all') return count;
  if (require === 'none') return 0;
  const { quorum } = require;
  if (!Number.isInteger(quorum) || quorum < 0) {
    throw new RangeError(`require.quorum must be a whole number of at least 0, is ${quorum}`);
  }
  if (quorum <= count) return quorum;
  throw new RpcError(
    Status.UNAVAILABLE,
    `a quorum of ${quorum} is out of reach: there ${count === 1 ? 'is 1' : `are ${count}`}`,
  );
}
