export { type Channel, type ChannelOptions, createChannel } from '../channel/channel.js';
export type { Choice, ImaginedCall } from '../channel/choose.js';
export {
  configuredBalancing,
  configuredCompression,
  configuredReplyLimit,
  defaultChannel,
} from '../channel/default-channel.js';
export type { Self } from '../channel/position.js';
export { createRegistryChannel, type RegistryChannelOptions } from '../channel/registry-channel.js';
export type { EndpointView, MethodView, ServiceView } from '../channel/service-view.js';
export { BalancingError } from '../channel/services.js';
export { broadcast } from '../scatter/broadcast.js';
export type {
  BroadcastOptions,
  Gathered,
  Lost,
  Part,
  Parts,
  Requirement,
  ScatterOptions,
  ScatterStreamOptions,
  SharingOptions,
  UnaryMethod,
  WholeOptions,
} from '../scatter/options.js';
export { scatter } from '../scatter/scatter.js';
export { scatterStream } from '../scatter/stream.js';
export type { CallOptions, Client, ClientCall, ClientMethod } from './client.js';
export { type ClientOptions, createClient } from './create-client.js';
