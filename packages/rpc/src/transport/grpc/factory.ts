import type { Clock, Random } from '../../clock/index.js';
import type { TransportFactory } from '../transport.js';
import { channelCredentials } from './credentials.js';
import { checkOptions, type GrpcTransportOptions } from './options.js';
import { grpcTransport } from './transport.js';

/** What all connections that a factory makes have in common. */
export interface GrpcTransportsOptions extends GrpcTransportOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A factory of connections by grpc-js, all of them with the same options. What an endpoint says of itself comes before them.
 *
 * @throws TypeError where one of them is out of its bounds: at once, and not when the first connection is made.
 */
export function grpcTransports(options: GrpcTransportsOptions): TransportFactory {
  checkOptions(options);
  channelCredentials(options.tls);
  return (address, known) => {
    const minPingIntervalMs = known?.minPingIntervalMs ?? options.minPingIntervalMs;
    return grpcTransport(address, { ...options, ...known, minPingIntervalMs });
  };
}
