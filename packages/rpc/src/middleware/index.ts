export { compose, enforceLimit, type Middleware, type Next } from './middleware.js';
export {
  endWith,
  mapMessages,
  observe,
  observeReply,
  type StreamObserver,
  unlessAborted,
  untilAborted,
} from './stream.js';
