import { balancingErrors } from '../errors.js';
import { beginFanOut } from './fan-out.js';
import { type PartResults, type ScatterStreamOptions, type UnaryMethod, wholeNumber } from './options.js';
import { WorkQueue } from './work-queue.js';

const [PER_INSTANCE, MAX_ATTEMPTS, READ_AHEAD] = [2, 3, 16];

/**
 * Scatter-gather: distributes work over the instances of a service. `requests` are the parts of the work, each of which is
 * one call of `call`, a unary method of a client. An instance works on a few parts at once and gets the next one when it
 * has finished one. So a slow instance gets fewer parts, and an instance that starts meanwhile gets some too.
 *
 * ```ts
 * for await (const { value, instance } of scatterStream(calculator.evaluatePart, requests())) yield value;
 * ```
 *
 * It yields the result of each part with the instance that it came from, in the order of `requests`. A request is read when an
 * instance can take it. The work stays at most `readAhead` parts ahead of the reader, so a reader that stops reading stops the work.
 *
 * If an instance goes away or takes too long, its part is retried at another instance, provided that the method is safe to
 * repeat or that the part provably reached no handler. A part gets one attempt at each instance, and 3 (`maxAttempts`) in
 * all. Other failures are final for the part.
 *
 * The parts belong to the call in whose handler `scatterStream` is called: they have its deadline and end with it.
 *
 * @throws RpcError as soon as a part has failed, if all are required; why the work was ended, if a deadline, the signal or the
 *   surrounding call ended it; `UNAVAILABLE` if no instance is known.
 */
export async function* scatterStream<Req, Res, const R extends 'all' | 'none' = 'all'>(
  call: UnaryMethod<Req, Res>,
  requests: Iterable<NoInfer<Req>>,
  options: ScatterStreamOptions<R> = {},
): AsyncGenerator<PartResults<Res, R>[number], void> {
  const { perInstance = PER_INSTANCE, maxAttempts = MAX_ATTEMPTS, readAhead = READ_AHEAD, require = 'all' } = options;
  const bounds = {
    perInstance: wholeNumber('perInstance', perInstance),
    maxAttempts: wholeNumber('maxAttempts', maxAttempts),
    readAhead: wholeNumber('readAhead', readAhead, 0),
  };
  const fanOut = beginFanOut(call, options);
  let queue: WorkQueue<Req, Res> | undefined;
  try {
    await fanOut.fleet.known(fanOut.context);
    const iterator = requests[Symbol.iterator]();
    queue = new WorkQueue({ fanOut, requests: iterator, ...bounds, requiresAll: require === 'all' });
    for (let part = await queue.next(); part !== undefined; part = await queue.next()) {
      // If all are required, a part that failed has been thrown.
      yield part as PartResults<Res, R>[number];
    }
  } finally {
    queue?.stop();
    fanOut.context.end(balancingErrors.NOT_NEEDED());
  }
}
