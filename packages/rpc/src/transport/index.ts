export { type GrpcTransportOptions, grpcTransport, grpcTransports, type TlsOptions } from './grpc/index.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from './memory/index.js';
export { notHandledMark, RouterError, type RouterErrorOptions, SERVED_BY } from './router-error.js';
export {
  type ConnectivityState,
  type Reach,
  type Transport,
  TransportError,
  type TransportFactory,
  type TransportOptions,
  type WireCall,
  type WireHandler,
} from './transport.js';
export { type TransportParts, wrapTransport } from './wrap.js';
