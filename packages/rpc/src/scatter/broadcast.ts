import { clientErrors } from '../errors/client.js';
import { beginFanOut, type FanOut } from './fan-out.js';
import {
  type BroadcastOptions,
  type PartResult,
  type PartResults,
  type Quorum,
  type UnaryMethod,
  wholeNumber,
} from './options.js';
import { gather } from './scatter.js';
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
 * of the service's instances, only those are called. The calls belong to the call in whose handler `broadcast` is called,
 * as with `scatter`.
 *
 * @returns the result of each instance, in the order of the instances' ids.
 * @throws RpcError as `scatter` does.
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
    fanOut.context.end(clientErrors.NOT_NEEDED());
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
      if (gathering.decided) context.end(clientErrors.NOT_NEEDED());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return gathering.outcome(context.reason);
}
