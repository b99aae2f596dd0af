/**
 * Calls to services: a channel carries the calls of a process, and a client has one function for each method of a contract.
 * `scatter`, `scatterStream` and `broadcast` call many instances for one answer.
 *
 * ```ts
 * import { createClient, createRegistryChannel } from '@rondo/rpc/client';
 *
 * const channel = createRegistryChannel({ registry: ['127.0.0.1:50050'] });
 * const calculator = createClient(CalculatorServiceDefinition, { channel });
 * const { result } = await calculator.add({ a: 1n, b: 2n }, { timeoutMs: 500 }); // throws an RpcError
 * channel.close();
 * ```
 */

export type { CallTiming } from '../call/call-timer.js';
export { type Channel, type ChannelOptions, createChannel } from '../channel/channel.js';
export { createRegistryChannel, type RegistryChannelOptions } from '../channel/registry-channel.js';
export type { CallOptions, Client, ClientCall } from '../client/client.js';
export { type ClientOptions, createClient } from '../client/create-client.js';
export { type DnsResolverOptions, dnsResolver } from '../resolver/dns.js';
export type { Endpoint, Resolver } from '../resolver/resolver.js';
export { fixedEndpoint, staticResolver } from '../resolver/static.js';
export { broadcast } from '../scatter/broadcast.js';
export type {
  BroadcastOptions,
  PartResult,
  PartResults,
  ScatterOptions,
  ScatterStreamOptions,
} from '../scatter/options.js';
export { scatter } from '../scatter/scatter.js';
export { scatterStream } from '../scatter/stream.js';
export type { TlsOptions } from '../transport/grpc/credentials.js';
