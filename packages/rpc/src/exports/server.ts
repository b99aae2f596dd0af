/**
 * Services: a contract with its handlers, a router for several of them, and a server that listens. A service that starts by
 * `runService` of `@rondo/service` needs only `implement`.
 *
 * ```ts
 * import { createRouter, implement, serve } from '@rondo/rpc/server';
 *
 * const calculator = implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) });
 * const server = await serve(createRouter({ services: [calculator] }), { listen: '127.0.0.1:0' });
 * await server.drain(10_000); // finishes the calls in flight, for at most 10 seconds
 * ```
 */

export { type AppListener, joinParts, type Part } from '../part/part.js';
export { type Handlers, implement, type ServiceImplementation, unimplemented } from '../server/handlers.js';
export { reading } from '../server/reading.js';
export { encodeOnce } from '../server/routed-call.js';
export { createRouter, type Router } from '../server/router.js';
export { type RpcServer, serve } from '../wire/serve.js';
