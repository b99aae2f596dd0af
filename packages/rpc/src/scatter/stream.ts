import { counted, type Part, type Parts, type ScatterStreamOptions, type UnaryMethod } from './options.js';
import { sharing } from './scatter.js';
import { beginWhole, notNeeded, type Whole } from './whole.js';
import { WorkQueue } from './work-queue.js';

const AHEAD = 16;

/**
 * As {@link scatter}, for more parts than memory should hold: what came of each is given one by one, in order, as soon as
 * all before it has been. `requests` are read as there is somebody to work on them, and work goes no further ahead of the
 * reader than `ahead` parts: one that stops reading stops the work.
 *
 * ```ts
 * for await (const { value, instance } of scatterStream(calculator.evaluatePart, requests())) yield value;
 * ```
 *
 * @throws RpcError as `scatter` does; where all parts are required, as soon as one is lost.
 */
export async function* scatterStream<Req, Res, const R extends 'all' | 'none' = 'all'>(
  call: UnaryMethod<Req, Res>,
  requests: Iterable<NoInfer<Req>>,
  options: ScatterStreamOptions<R> = {},
): AsyncGenerator<Parts<Res, R>[number], void> {
  const ahead = counted('ahead', options.ahead ?? AHEAD, 0);
  const whole = beginWhole(call, options);
  let reading: Reading<Res> | undefined;
  try {
    await whole.fleet.known(whole.limit);
    reading = createReading(whole, requests[Symbol.iterator](), { ...options, ahead });
    for (let part = await reading.next(); part !== undefined; part = await reading.next()) {
      // Where all are required, one that is lost has been thrown.
      yield part as Parts<Res, R>[number];
    }
  } finally {
    reading?.stop();
    whole.limit.end(notNeeded());
  }
}

interface Reading<Res> {
  /** The next part in order; undefined after the last. */
  next(): Promise<Part<Res> | undefined>;
  stop(): void;
}

function createReading<Req, Res>(
  whole: Whole<Req, Res>,
  requests: Iterator<Req>,
  { ahead, require = 'all', ...options }: ScatterStreamOptions<'all' | 'none'> & { readonly ahead: number },
): Reading<Res> {
  const { limit, inContext } = whole;
  const parts = new Map<number, Part<Res>>();
  let read = 0;
  let fault: { readonly error: unknown } | undefined;
  let ended = false;
  let wake: () => void = () => undefined;
  const fail = (error: unknown) => {
    fault ??= { error };
    queue.stop();
    wake();
  };
  const onLimit = () => fail(limit.reason);
  const queue = new WorkQueue<Req, Res>({
    whole,
    requests,
    ...sharing(options),
    horizon: () => read + ahead + 1,
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
  limit.onEnd(onLimit);
  return {
    async next() {
      inContext(() => queue.pump());
      for (;;) {
        if (fault !== undefined) throw fault.error;
        const part = parts.get(read);
        if (part !== undefined) {
          parts.delete(read);
          read += 1;
          inContext(() => queue.pump());
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
      limit.offEnd(onLimit);
    },
  };
}
