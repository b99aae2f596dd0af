import { balancingErrors } from '../errors.js';
import { beginFanOut, type FanOut } from './fan-out.js';
import {
  type PartResult,
  type PartResults,
  type ScatterStreamOptions,
  type UnaryMethod,
  wholeNumber,
} from './options.js';
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
  const readAhead = wholeNumber('readAhead', options.readAhead ?? READ_AHEAD, 0);
  const fanOut = beginFanOut(call, options);
  let reader: PartReader<Res> | undefined;
  try {
    await fanOut.fleet.known(fanOut.context);
    reader = createPartReader(fanOut, requests[Symbol.iterator](), { ...options, readAhead });
    for (let part = await reader.next(); part !== undefined; part = await reader.next()) {
      // If all are required, a part that failed has been thrown.
      yield part as PartResults<Res, R>[number];
    }
  } finally {
    reader?.stop();
    fanOut.context.end(balancingErrors.NOT_NEEDED());
  }
}

/** Gives the results of parts in order. */
interface PartReader<Res> {
  /** The next part; undefined after the last. */
  next(): Promise<PartResult<Res> | undefined>;
  stop(): void;
}

function createPartReader<Req, Res>(
  fanOut: FanOut<Req, Res>,
  requests: Iterator<Req>,
  {
    readAhead,
    require = 'all',
    perInstance = PER_INSTANCE,
    maxAttempts = MAX_ATTEMPTS,
  }: ScatterStreamOptions<'all' | 'none'> & { readonly readAhead: number },
): PartReader<Res> {
  const { context, inContext } = fanOut;
  const parts = new Map<number, PartResult<Res>>();
  let read = 0;
  let fault: { readonly error: unknown } | undefined;
  let ended = false;
  let wake: () => void = () => undefined;
  const fail = (error: unknown) => {
    fault ??= { error };
    queue.stop();
    wake();
  };
  const onLimit = () => fail(context.reason);
  const queue = new WorkQueue<Req, Res>({
    fanOut,
    requests,
    perInstance: wholeNumber('perInstance', perInstance),
    maxAttempts: wholeNumber('maxAttempts', maxAttempts),
    partsBefore: () => read + readAhead + 1,
    onPart(index, part) {
      if (!part.ok && require === 'all') fail(part.error);
      parts.set(index, part);
      if (index === read) wake();
    },
    onEnd() {
      ended = true;
      wake();
    },
    onFault: fail,
  });
  context.onEnd(onLimit);
  return {
    async next() {
      inContext(() => queue.dispatch());
      for (;;) {
        if (fault !== undefined) throw fault.error;
        const part = parts.get(read);
        if (part !== undefined) {
          parts.delete(read);
          read += 1;
          inContext(() => queue.dispatch());
          return part;
        }
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop() {
      queue.stop();
      context.offEnd(onLimit);
    },
  };
}
