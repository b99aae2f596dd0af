import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type ListTracesRequest, TraceServiceDefinition } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { addPart, joined, type KnownParts, type KnownTrace, type ToldSpan } from '@rondo/service/traces';
import { withChannel } from '../channels.js';
import type { Asking } from '../deadline.js';
import { reasonOf } from '../errors.js';
import { inTime } from '../listing/check.js';
import { addressOf } from '../registry/instance-view.js';
import { mapConcurrently } from '../workspace/concurrency.js';

/** A process to ask. */
export interface Asked {
  readonly instanceId: string;
  readonly address: string;
}

export const toAsked = (instance: Instance): Asked => ({
  instanceId: instance.instanceId,
  address: addressOf(instance),
});

/** The processes that told nothing. */
export interface Silent {
  /** They keep no spans. */
  readonly off: readonly string[];
  /** They can't be asked, each for a reason. */
  readonly unreachable: readonly { readonly instanceId: string; readonly reason: string }[];
}

/** What the processes have of a trace. */
export interface ToldTrace extends Silent {
  /** All that begin as asked. There are spans only if it is one. */
  readonly traceIds: readonly string[];
  readonly spans: readonly ToldSpan[];
  readonly lostSpans: number;
  /** How many processes keep spans. */
  readonly keeping: number;
  /** Since when all of these have all their traces. Milliseconds since the Unix epoch. */
  readonly completeSinceMs: number;
}

/** Asks all processes for a trace, by its id or the beginning of it. */
export async function gatherTrace(traceId: string, processes: readonly Asked[], asking: Asking): Promise<ToldTrace> {
  const { answers, ...silent } = await askAll(processes, asking, (client, signal) =>
    client.getTrace({ traceId }, { signal }),
  );
  const told = answers.map(({ answer }) => answer);
  return {
    ...silent,
    traceIds: [...new Set(told.flatMap((answer) => answer.traceIds))].sort(),
    spans: told.flatMap(({ instanceId, spans }) => spans.map((span) => ({ ...span, instanceId }))),
    lostSpans: told.reduce((sum, { lostSpans }) => sum + lostSpans, 0),
    keeping: told.length,
    completeSinceMs: Math.max(0, ...told.map(({ completeSinceUnixMs }) => completeSinceUnixMs)),
  };
}

/** Asks all processes for their newest or slowest traces, and joins what they tell of the same trace. */
export async function gatherTraces(
  request: Pick<ListTracesRequest, 'filter' | 'order' | 'pageSize'>,
  processes: readonly Asked[],
  asking: Asking,
): Promise<Silent & { readonly traces: readonly KnownTrace[] }> {
  const { answers, ...silent } = await askAll(processes, asking, (client, signal) =>
    client.listTraces(request, { signal }),
  );
  const known: KnownParts = new Map();
  for (const { answer } of answers) {
    for (const part of answer.traces) addPart(known, part, answer.instanceId);
  }
  return { ...silent, traces: [...known.values()].map(joined) };
}

type TraceClient = Client<typeof TraceServiceDefinition>;

/** Asks all processes at once. Each has a second to answer. */
async function askAll<T>(
  processes: readonly Asked[],
  asking: Asking,
  ask: (client: TraceClient, signal: AbortSignal) => Promise<T>,
) {
  const off: string[] = [];
  const unreachable: { readonly instanceId: string; readonly reason: string }[] = [];
  const answers: { readonly answer: T }[] = [];
  await mapConcurrently(processes, async ({ instanceId, address }) => {
    try {
      answers.push({ answer: await inTime(asking, (signal) => askOne(address, (client) => ask(client, signal))) });
    } catch (error) {
      asking.signal.throwIfAborted();
      if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) off.push(instanceId);
      else unreachable.push({ instanceId, reason: reasonOf(error) });
    }
  });
  return { answers, off: off.sort(), unreachable };
}

/** Connects to one process. */
export const askOne = <T>(address: string, work: (client: TraceClient) => Promise<T>): Promise<T> =>
  withChannel([address], (channel) => work(createClient(TraceServiceDefinition, { channel })));
