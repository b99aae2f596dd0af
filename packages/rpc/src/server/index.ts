export { encodeOnce } from './codec.js';
export { type RpcServer, type ServeOptions, serve } from './grpc/serve.js';
export {
  type AnyHandler,
  type Handler,
  type Handlers,
  implement,
  type ServiceImplementation,
  unimplemented,
} from './handlers.js';
export { createRouter, type Router, type RouterOptions } from './router.js';
