export type { TlsOptions } from './grpc/credentials.js';
export type { GrpcTransportOptions } from './grpc/options.js';
export { grpcTransport, grpcTransports } from './grpc/transport.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from './memory/network.js';
export { notHandledMark, RouterError, type RouterErrorOptions, SERVED_BY } from './router-error.js';
export {
  type ConnectivityState,
  type Reach,
  type Transport,
  TransportError,
  type TransportFactory,
  type TransportOptions,
  type TransportParts,
  type WireCall,
  type WireHandler,
  wrapTransport,
} from './transport.js';
