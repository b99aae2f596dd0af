export type { TlsOptions } from './credentials.js';
export type { GrpcTransportOptions } from './options.js';
export { grpcTransport } from './transport.js';
