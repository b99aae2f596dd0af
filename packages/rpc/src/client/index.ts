export type { Choice, ImaginedCall } from './attempts/index.js';
export { type Channel, type ChannelOptions, createChannel } from './channel.js';
export type { CallOptions, Client, ClientMethod } from './client.js';
export type { ClientCall } from './client-call.js';
export { type ClientOptions, createClient } from './create-client.js';
export { configuredBalancing, configuredCompression, configuredReplyLimit, defaultChannel } from './default-channel.js';
export { createRegistryChannel, type RegistryChannelOptions } from './registry-channel.js';
export {
  type BroadcastOptions,
  broadcast,
  type Gathered,
  type Lost,
  type Part,
  type Parts,
  type Requirement,
  type ScatterOptions,
  type ScatterStreamOptions,
  type SharingOptions,
  scatter,
  scatterStream,
  type UnaryMethod,
  type WholeOptions,
} from './scatter/index.js';
export { BalancingError } from './service-balancing.js';
export type { Self } from './subset/index.js';
export type { EndpointView, MethodView, ServiceView } from './view/index.js';
