export { enforceLimit } from './limit.js';
export { compose, type Middleware, type Next } from './middleware.js';
export { mapMessages, observe, observeReply, type StreamObserver } from './stream.js';
