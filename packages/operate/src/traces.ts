import type {
  FindTraceRequest,
  ReadLogsRequest,
  SilentInstance,
  WatchTracesRequest,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import {
  type ListTracesRequest,
  TraceServiceDefinition,
  type WatchTracesResponse,
} from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Asker, type AskOptions, collect, createCutter, type Gatherer } from './gather.js';
import { addPart, joined, type KnownParts, type KnownTrace } from './reported-traces.js';

const NO_SPANS = 'it keeps no spans: its RONDO_RECENT_BYTES is 0';
const MAX_SPANS = 10_000;
/** How many traces of each instance come first. */
const PAGE_SIZE = 100;
/** How many traces one event has. */
const MAX_TRACES = 1_000;

const clientOf = (channel: Channel) => createClient(TraceServiceDefinition, { channel });

/** The instances that keep no spans, and those that couldn't be asked. */
export const splitSilent = (silent: readonly SilentInstance[]) => ({
  off: silent
    .filter(({ reason }) => reason === NO_SPANS)
    .map(({ instanceId }) => instanceId)
    .sort(),
  unreachable: silent.filter(({ reason }) => reason !== NO_SPANS),
});

/** Lists the newest or slowest traces of the instances. What several of them have of a trace is joined. */
export async function listTraces(
  request: Pick<ListTracesRequest, 'filter' | 'order' | 'pageSize'>,
  gatherer: Gatherer,
  asker: Asker,
): Promise<{ readonly traces: readonly KnownTrace[]; readonly silent: readonly SilentInstance[] }> {
  const read = (channel: Channel, options: AskOptions) => clientOf(channel).listTraces(request, options);
  const { answers, silent } = await collect(gatherer.ask({ read, follows: false, off: NO_SPANS }, asker));
  const known: KnownParts = new Map();
  for (const { instanceId, traces } of answers) for (const part of traces) addPart(known, part, instanceId);
  return { traces: [...known.values()].map(joined), silent };
}

/** Asks the instances for their spans of a trace. */
export async function* findTrace({ traceId }: FindTraceRequest, gatherer: Gatherer, asker: Asker) {
  const cut = createCutter(MAX_SPANS);
  const read = (channel: Channel, options: AskOptions) => clientOf(channel).getTrace({ traceId }, options);
  for await (const { answers, silent } of gatherer.ask({ read, follows: false, off: NO_SPANS }, asker)) {
    const traces = answers.map((trace) => {
      const { kept: spans, leftOut } = cut(trace.spans);
      return { ...trace, spans, lostSpans: trace.lostSpans + leftOut };
    });
    yield { answers: traces, silent };
  }
}

/** Gives the traces that instances have, at most `listed` of each, and then those that end. */
export async function* watchTraces(
  { filter, order, listed = PAGE_SIZE }: WatchTracesRequest & { readonly listed?: number },
  gatherer: Gatherer,
  asker: Asker,
) {
  async function* stream(channel: Channel, options: AskOptions): AsyncGenerator<WatchTracesResponse> {
    const client = clientOf(channel);
    const watch = client.watchTraces({ filter }, options)[Symbol.asyncIterator]();
    // Asked before the list, so that no trace ends between both.
    const first = watch.next();
    first.catch(() => undefined);
    if (listed > 0) {
      const { instanceId, traces } = await client.listTraces({ filter, order, pageSize: listed }, options);
      yield { instanceId, traces, leftOut: 0 };
    }
    for (let next = await first; next.done !== true; next = await watch.next()) yield next.value;
  }
  for await (const { answers, silent } of gatherer.ask({ stream, follows: true, off: NO_SPANS }, asker)) {
    const cut = createCutter(MAX_TRACES);
    const traces = answers.map((one) => {
      const { kept, leftOut } = cut(one.traces);
      return { ...one, traces: kept, leftOut: one.leftOut + leftOut };
    });
    yield { answers: traces, silent };
  }
}

const off = 'it keeps no lines: its RONDO_RECENT_BYTES is 0';
/** How many lines one event has. */
const MAX_LINES = 2_000;

/** Tells the log lines of the instances. */
export async function* readLogs({ logs, instanceId }: ReadLogsRequest, gatherer: Gatherer, asker: Asker) {
  const stream = (channel: Channel, options: AskOptions) =>
    createClient(LogServiceDefinition, { channel }).readLogs(logs ?? {}, options);
  const fits = (endpoint: Endpoint) => instanceId === '' || endpoint.instanceId === instanceId;
  for await (const { answers, silent } of gatherer.ask({ stream, fits, follows: logs?.follow ?? false, off }, asker)) {
    const cut = createCutter(MAX_LINES);
    const lines = answers.map((one) => {
      const { kept, leftOut } = cut(one.lines);
      return { ...one, lines: kept, leftOut: one.leftOut + leftOut };
    });
    yield { answers: lines, silent };
  }
}
