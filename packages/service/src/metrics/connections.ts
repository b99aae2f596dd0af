import type { Meter } from '@opentelemetry/api';
import type { RpcServer } from '@rondo/rpc/server';

/** Counts the connections that a server refuses. */
export function meterConnections(meter: Meter, server: Pick<RpcServer, 'refusedConnections'>): void {
  const refused = meter.createObservableCounter('rondo.server.connections_refused', {
    unit: '{connection}',
    description: 'The connections that this server has refused, by why.',
  });
  refused.addCallback((result) => {
    for (const [reason, count] of Object.entries(server.refusedConnections)) {
      result.observe(count, { 'rondo.reason': reason });
    }
  });
}
