import type { Clock, Random } from '../clock/index.js';
import { type GrpcTransportOptions, grpcTransports, type TransportFactory } from '../transport/index.js';

/** How a channel's connections are made: by gRPC with these options, or by a transport of one's own. */
export interface ConnectionsOptions extends GrpcTransportOptions {
  readonly transport?: TransportFactory;
}

/**
 * What makes a channel's connections.
 *
 * @throws TypeError where an option is out of its bounds, or given beside a transport that would not heed it.
 */
export function connectionsOf(
  { transport, tls, maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression }: ConnectionsOptions,
  surroundings: { readonly clock: Clock; readonly random: Random },
): TransportFactory {
  const options = { tls, maxReplyBytes, connectTimeoutMs, minPingIntervalMs, compression };
  if (transport === undefined) return grpcTransports({ ...options, ...surroundings });
  const given = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length === 0) return transport;
  const both = `transport and ${given.join(', ')}`;
  throw new TypeError(
    `${both} can't both be given: a transport makes its connections by itself; hand them to grpcTransport in there, or leave transport out`,
  );
}
