import { TraceServiceDefinition } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { TraceRing } from './trace-ring.js';

const PAGE = { default: 50, most: 1_000 } as const;

/** Creates `rondo.tracing.v1.TraceService`: the traces that this process keeps. */
export function createTraceService(ring: TraceRing, instanceId: string): ServiceImplementation {
  return implement(TraceServiceDefinition, {
    getTrace: ({ traceId }) => ({ instanceId, completeSinceUnixMs: ring.completeSinceMs, ...ring.get(traceId) }),
    listTraces({ filter, order, pageSize, pageToken }) {
      const from = Number(pageToken) || 0;
      const size = pageSize <= 0 ? PAGE.default : Math.min(pageSize, PAGE.most);
      const { traces, total } = ring.list({ filter, order }, from, size);
      return { instanceId, traces, nextPageToken: from + size < total ? String(from + size) : '' };
    },
    async *watchTraces({ filter }, { signal }) {
      for await (const { items: traces, leftOut } of ring.watch(filter, signal)) yield { instanceId, traces, leftOut };
    },
  });
}
