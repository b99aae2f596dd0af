import type { RpcError } from '@rondo/rpc/status';
import { balancingErrors } from '../errors.js';
import { beginFanOut, type FanOut } from './fan-out.js';
import {
  type BroadcastOptions,
  type PartResult,
  type PartResults,
  type Quorum,
  type UnaryMethod,
  wholeNumber,
} from './options.js';
import { partError, toRpcError } from './work-queue.js';

const CONCURRENCY = 64;

/**
 * Calls every serving instance of a service once, with the same request or with a request made for each instance. If an
 * instance fails, no other takes its part: a broadcast is for work that each instance has to do itself.
 *
 * ```ts
 * const parts = await broadcast(prices.forget, { product }, { require: 'none' });
 * const missed = parts.filter(({ ok }) => !ok);
 * ```
 *
 * An instance that can't be reached counts as failed while the registry lists it as serving. If the client uses a subset
 * of the service's instances, only those are called. The calls belong to the call in whose handler `broadcast` is called:
 * they have its deadline and end with it.
 *
 * @returns the result of each instance, in the order of the instances' ids.
 * @throws RpcError the first failure if `require` is `all` or the quorum can't be reached any more; why the work was ended, if a
 *   deadline, the signal or the surrounding call ended it; `UNAVAILABLE` if no instance is known.
 */
export async function broadcast<Req, Res, const R extends Quorum = 'all'>(
  call: UnaryMethod<Req, Res>,
  request: NoInfer<Req> | ((instance: string) => NoInfer<Req>),
  options: BroadcastOptions<R> = {},
): Promise<PartResults<Res, R>> {
  const concurrency = wholeNumber('concurrency', options.concurrency ?? CONCURRENCY);
  const fanOut = beginFanOut(call, options);
  const requestFor = (instance: string) => (isFactory(request) ? request(instance) : request);
  try {
    await fanOut.fleet.known(fanOut.context);
    const parts = await callEach(fanOut, requestFor, { concurrency, require: options.require ?? 'all' });
    // If all are required, the outcome holds no failed part.
    return parts as PartResults<Res, R>;
  } finally {
    fanOut.context.end(balancingErrors.NOT_NEEDED());
  }
}

function isFactory<Req>(request: Req | ((instance: string) => Req)): request is (instance: string) => Req {
  return typeof request === 'function';
}

interface EachOptions {
  readonly require: Quorum;
  readonly concurrency: number;
}

async function callEach<Req, Res>(
  { fleet, method, context, part }: FanOut<Req, Res>,
  requestFor: (instance: string) => Req,
  { require, concurrency }: EachOptions,
): Promise<readonly PartResult<Res>[]> {
  const instances = fleet.serving();
  if (instances.length === 0) throw fleet.noInstanceError();
  const gathering = gather<Res>(instances.length, require);
  const callOne = async (instance: string): Promise<PartResult<Res>> => {
    try {
      return { ok: true, value: await part(requestFor(instance))(instance), instance };
    } catch (error) {
      const failure = toRpcError(error);
      return { ok: false, error: partError(method, failure.report?.attempts ?? [], failure), instance };
    }
  };
  // All workers take from the same iterator.
  const left = instances.entries();
  const work = async () => {
    for (const [index, instance] of left) {
      const part = await callOne(instance);
      if (context.reason !== undefined) return;
      gathering.note(index, part);
      if (gathering.decided) context.end(balancingErrors.NOT_NEEDED());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return gathering.outcome(context.reason);
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
function gather<T>(count: number, require: Quorum): Gathering<T> {
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
    outcome(rest = balancingErrors.NOT_NEEDED()) {
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
  throw balancingErrors.QUORUM_OUT_OF_REACH({ quorum, areSoMany: count === 1 ? 'is 1' : `are ${count}` });
}
