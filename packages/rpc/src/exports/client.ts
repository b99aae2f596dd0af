/**
 * Calls to services: a channel carries the calls of a process, and a client has one function for each method of a contract.
 *
 * ```ts
 * import { HealthDefinition } from '@rondo/contracts/health/v1/health';
 * import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
 *
 * // createRegistryChannel finds services by a registry instead.
 * const channel = createChannel({ resolver: staticResolver(['127.0.0.1:50051']) });
 * const health = createClient(HealthDefinition, { channel });
 * const { status } = await health.check({}, { timeoutMs: 500 }); // throws an RpcError
 * channel.close();
 * ```
 */

export type { CallOptions, ClientCall } from '../call/client-call.js';
export { type Channel, type ChannelOptions, createChannel } from '../channel/channel.js';
export type { ChannelPolicies } from '../channel/policies.js';
export type { Client } from '../client/client.js';
export { createClient } from '../client/create-client.js';
export { waitFor } from '../client/operations.js';
export { createRegistryChannel } from '../client/registry-channel.js';
export { dnsResolver } from '../resolver/dns.js';
export type { Endpoint, Resolver } from '../resolver/resolver.js';
export { fixedEndpoint, staticResolver } from '../resolver/static.js';
