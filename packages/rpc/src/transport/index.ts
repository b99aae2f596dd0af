export { type GrpcTransportOptions, grpcTransport } from './grpc/index.js';
export { createMemoryNetwork, type MemoryListener, type MemoryNetwork } from './memory/index.js';
export {
  type ConnectivityState,
  type Reach,
  type Transport,
  TransportError,
  type TransportFactory,
  type WireCall,
  type WireHandler,
} from './transport.js';
