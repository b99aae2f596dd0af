export { type Channel, type ChannelOptions, createChannel, type ServiceView } from './channel.js';
export type { CallOptions, Client, ClientMethod } from './client.js';
export type { ClientCall } from './client-call.js';
export { type ClientOptions, createClient } from './create-client.js';
export { defaultChannel } from './default-channel.js';
export { createRegistryChannel, type RegistryChannelOptions } from './registry-channel.js';
