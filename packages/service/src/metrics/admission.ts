import type { Meter } from '@opentelemetry/api';
import type { Router, RpcServer } from '@rondo/rpc/server';

/** Meters which calls a server refuses because of overload, and the limits that decide it. */
export function meterAdmission(meter: Meter, admission: Pick<Router['admission'], 'inspect'>): void {
  const limit = meter.createObservableGauge('rondo.admission.limit', {
    unit: '{call}',
    description:
      'The most calls of a method in flight at this server, by method and priority; absent while there is no limit.',
  });
  const inFlight = meter.createObservableGauge('rondo.admission.calls_in_flight', {
    unit: '{call}',
    description: 'The calls of a method in flight at this server, by method and priority.',
  });
  const refused = meter.createObservableCounter('rondo.admission.refused', {
    unit: '{call}',
    description:
      'The calls that this server has refused, by method, by its priority, and by what they would have exceeded. Set an alert if it grows.',
  });
  const instruments = [limit, inFlight, refused];
  meter.addBatchObservableCallback((result) => {
    for (const view of admission.inspect()) {
      const labels = { 'rpc.method': view.method.path.slice(1), 'rondo.priority': view.priority };
      result.observe(inFlight, view.inFlight, labels);
      if (view.limit !== undefined) result.observe(limit, view.limit, labels);
      for (const [exceeded, count] of view.refused)
        result.observe(refused, count, { ...labels, 'rondo.limit': exceeded });
    }
  }, instruments);
}

/** Counts the connections that a server refuses. */
export function meterConnections(meter: Meter, server: Pick<RpcServer, 'refusedConnections'>): void {
  const refused = meter.createObservableCounter('rondo.server.connections_refused', {
    unit: '{connection}',
    description:
      'The connections that this server has refused, by reason: handshake (TLS, or a certificate that is not accepted) or limit (too many, of all clients or of one address).',
  });
  refused.addCallback((result) => {
    for (const [reason, count] of Object.entries(server.refusedConnections)) {
      result.observe(count, { 'rondo.reason': reason });
    }
  });
}
