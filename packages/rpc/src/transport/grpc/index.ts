export type { TlsOptions } from './credentials.js';
export { grpcTransports } from './factory.js';
export type { GrpcTransportOptions } from './options.js';
export { grpcTransport } from './transport.js';
