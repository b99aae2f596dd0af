import { clientErrors } from '../errors/client.js';
import { beginFanOut, type FanOut } from './fan-out.js';
import {
  type PartResult,
  type PartResults,
  type ScatterStreamOptions,
  type UnaryMethod,
  wholeNumber,
} from './options.js';
import { distributionOf } from './scatter.js';
import { WorkQueue } from './work-queue.js';

const READ_AHEAD = 16;

/**
 * Scatter-gather for more parts than fit in memory. It works as `scatter` does, but yields the results one by one,
 * in the order of `requests`, as soon as each is next. A request is read when an instance can take it. The work stays at
 * most `readAhead` parts ahead of the reader, so a reader that stops reading stops the work.
 *
 * ```ts
 * for await (const { value, instance } of scatterStream(calculator.evaluatePart, requests())) yield value;
 * ```
 *
 * @throws RpcError as `scatter` does. If all parts are required, it throws as soon as one has failed.
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
    fanOut.context.end(clientErrors.NOT_NEEDED());
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
  { readAhead, require = 'all', ...options }: ScatterStreamOptions<'all' | 'none'> & { readonly readAhead: number },
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
    ...distributionOf(options),
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
