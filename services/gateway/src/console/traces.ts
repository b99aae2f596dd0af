import type { FindTraceRequest, WatchTracesRequest } from '@rondo/contracts/rondo/gateway/v1/console';
import { TraceServiceDefinition, type WatchTracesResponse } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Asker, type AskOptions, createCutter, type Questions } from './questions.js';

const off = 'it keeps no spans: its RONDO_RECENT_BYTES is 0';
const MAX_SPANS = 10_000;
/** How many traces of each instance come first. */
const PAGE_SIZE = 100;
/** How many traces one event has. */
const MAX_TRACES = 1_000;

const clientOf = (channel: Channel) => createClient(TraceServiceDefinition, { channel });

/** Asks the instances for their spans of a trace. */
export async function* findTrace({ traceId }: FindTraceRequest, questions: Questions, asker: Asker) {
  const cut = createCutter(MAX_SPANS);
  async function* ask(channel: Channel, options: AskOptions) {
    yield await clientOf(channel).getTrace({ traceId }, options);
  }
  for await (const { told, silent } of questions.ask({ ask, follows: false, off }, asker)) {
    const traces = told.map((trace) => {
      const { kept: spans, leftOut } = cut(trace.spans);
      return { ...trace, spans, lostSpans: trace.lostSpans + leftOut };
    });
    yield { told: traces, silent };
  }
}

/** Tells the traces that instances have, and then those that end. */
export async function* watchTraces({ filter, order }: WatchTracesRequest, questions: Questions, asker: Asker) {
  async function* ask(channel: Channel, options: AskOptions): AsyncGenerator<WatchTracesResponse> {
    const client = clientOf(channel);
    const watch = client.watchTraces({ filter }, options)[Symbol.asyncIterator]();
    // Asked before the list, so that no trace ends between both.
    const first = watch.next();
    first.catch(() => undefined);
    const { instanceId, traces } = await client.listTraces({ filter, order, pageSize: PAGE_SIZE }, options);
    yield { instanceId, traces, leftOut: 0 };
    for (let next = await first; next.done !== true; next = await watch.next()) yield next.value;
  }
  for await (const { told, silent } of questions.ask({ ask, follows: true, off }, asker)) {
    const cut = createCutter(MAX_TRACES);
    const traces = told.map((one) => {
      const { kept, leftOut } = cut(one.traces);
      return { ...one, traces: kept, leftOut: one.leftOut + leftOut };
    });
    yield { told: traces, silent };
  }
}
