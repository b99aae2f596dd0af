import {
  type BroadcastOptions,
  counted,
  type Part,
  type Parts,
  type Requirement,
  type UnaryMethod,
} from './options.js';
import { gather } from './scatter.js';
import { beginWhole, notNeeded, type Whole } from './whole.js';
import { lossOf, toRpcError } from './work-queue.js';

const CONCURRENCY = 64;

/**
 * Asks every instance of a service that is to serve, each once: with the same request, or with one made for it. One that
 * fails is not made up for by another: what it was to do, it alone could.
 *
 * ```ts
 * const parts = await broadcast(prices.forget, { product }, { require: 'none' });
 * const missed = parts.filter(({ ok }) => !ok);
 * ```
 *
 * One that can't be reached counts as failed for as long as the registry has it serving. Where the service is called in
 * subsets, this process knows of no other than those in its own. Gives what came of each, and belongs to the call in which
 * it is called, as `scatter` does.
 *
 * @throws RpcError as `scatter` does.
 */
export async function broadcast<Req, Res, const R extends Requirement = 'all'>(
  call: UnaryMethod<Req, Res>,
  request: NoInfer<Req> | ((instance: string) => NoInfer<Req>),
  options: BroadcastOptions<R> = {},
): Promise<Parts<Res, R>> {
  const concurrency = counted('concurrency', options.concurrency ?? CONCURRENCY);
  const whole = beginWhole(call, options);
  const requestFor = (instance: string) => (isMade(request) ? request(instance) : request);
  try {
    await whole.fleet.known(whole.limit);
    const parts = await askEach(whole, requestFor, { concurrency, require: options.require ?? 'all' });
    // Where all are required, the outcome has none that was lost.
    return parts as Parts<Res, R>;
  } finally {
    whole.limit.end(notNeeded());
  }
}

function isMade<Req>(request: Req | ((instance: string) => Req)): request is (instance: string) => Req {
  return typeof request === 'function';
}

interface EachOptions {
  readonly require: Requirement;
  readonly concurrency: number;
}

async function askEach<Req, Res>(
  { fleet, method, limit, ask }: Whole<Req, Res>,
  requestFor: (instance: string) => Req,
  { require, concurrency }: EachOptions,
): Promise<readonly Part<Res>[]> {
  const instances = fleet.serving();
  if (instances.length === 0) throw fleet.noInstanceError();
  const gathering = gather<Res>(instances.length, require);
  const askOne = async (instance: string): Promise<Part<Res>> => {
    try {
      return { ok: true, value: await ask(requestFor(instance), instance), instance };
    } catch (error) {
      const failure = toRpcError(error);
      return { ok: false, error: lossOf(method, failure.report?.attempts ?? [], failure), instance };
    }
  };
  const left = instances.entries();
  const work = async () => {
    for (const [index, instance] of left) {
      const part = await askOne(instance);
      if (limit.reason !== undefined) return;
      gathering.note(index, part);
      if (gathering.certain) limit.end(notNeeded());
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return gathering.outcome(limit.reason);
}
