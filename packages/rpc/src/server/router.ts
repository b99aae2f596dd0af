import {
  type Logger,
  Metadata,
  newTraceId,
  type Reply,
  receivedTraceId,
  type ServerCall,
  silentLogger,
} from '../call/index.js';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '../clock/index.js';
import { type Method, methodsOf } from '../contract/index.js';
import { compose, enforceLimit, type Middleware, type Next, observeReply } from '../middleware/index.js';
import { Status } from '../status/index.js';
import { RouterError, SERVED_BY, type WireCall } from '../transport/index.js';
import { encodeReply } from './codec.js';
import { toRouterError, toRpcError } from './faults.js';
import { type AnyHandler, invoke, type ServiceImplementation } from './handlers.js';
import { RoutedCall } from './routed-call.js';

/** What a router is made from. */
export interface RouterOptions {
  readonly services: readonly ServiceImplementation[];
  /** Runs around every handler; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /** Named in the trailing metadata `rondo-served-by` of every outcome, so that balancing can be seen. */
  readonly instanceId?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Tells handlers when their calls end. */
  readonly wallClock?: WallClock;
  readonly random?: Random;
}

/** Takes calls from any transport through the one chain to their handlers. */
export interface Router {
  /** Every method served. */
  readonly methods: readonly Method[];
  /** Answers one call. It rejects with a {@link RouterError} and nothing else. */
  handle(call: WireCall): Promise<Reply<Uint8Array>>;
  /** Where a transport says that it couldn't send what a handler answered. */
  readonly logger: Logger;
}

interface Route {
  readonly method: Method;
  readonly run: Next<ServerCall>;
}

/**
 * Makes a router.
 *
 * @throws TypeError where a service is listed twice, or a handler is missing.
 */
export function createRouter(options: RouterOptions): Router {
  const { instanceId, logger = silentLogger, random = systemRandom } = options;
  const { clock = systemClock, wallClock = systemWallClock } = options;
  const clocks = { clock, wallClock };
  const servedBy = new Metadata(instanceId === undefined ? undefined : [[SERVED_BY, instanceId]]);
  const routes = routesOf(options.services, [...(options.middleware ?? []), enforceLimit]);

  function toServerCall(method: Method, wire: WireCall): ServerCall {
    const traceId = receivedTraceId(wire.metadata) ?? newTraceId(random);
    limit(wire, method.policy.timeoutMs, clock);
    return new RoutedCall(wire, { method, clocks, traceId, trailer: Metadata.over(servedBy), logger });
  }

  async function handle(wire: WireCall): Promise<Reply<Uint8Array>> {
    const route = routes.get(wire.path);
    if (route === undefined) throw notServed(wire.path, servedBy);
    const { method, run } = route;
    const call = toServerCall(method, wire);
    try {
      const reply = encodeReply(method, await run(call));
      if (method.responseStream) return observeReply(reply, endOf(call));
      call.limit.release();
      return reply;
    } catch (fault) {
      call.limit.release();
      throw toRouterError(call, toRpcError(call, fault));
    }
  }

  return { methods: [...routes.values()].map(({ method }) => method), handle, logger };
}

/** What a call of a method that isn't served gets: as no handler can have run, it may go elsewhere. */
function notServed(path: string, metadata: Metadata): RouterError {
  const message = `this server doesn't implement ${path}; list its services by reflection`;
  return new RouterError(Status.UNIMPLEMENTED, message, { handled: 'never', metadata });
}

/** What comes at the end of a response stream. */
function endOf(call: ServerCall) {
  return {
    error: (fault: unknown) => toRouterError(call, toRpcError(call, fault)),
    end: () => call.limit.release(),
  };
}

function routesOf(
  services: readonly ServiceImplementation[],
  chain: readonly Middleware<ServerCall>[],
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const { definition, handlers } of services) {
    for (const [key, method] of methodsOf(definition)) {
      const handler = handlerOf(handlers, key);
      if (handler === undefined) throw new TypeError(`${method.path} has no handler: implement "${key}"`);
      if (routes.has(method.path)) throw new TypeError(`${method.path} has two handlers: list its service once`);
      routes.set(method.path, { method, run: compose(chain, (call) => invoke(handler, call)) });
    }
  }
  return routes;
}

/** What every object has, such as `toString`, was written for no method. */
function handlerOf(handlers: ServiceImplementation['handlers'], key: string): AnyHandler | undefined {
  return handlers[key] === Reflect.get(Object.prototype, key) ? undefined : handlers[key];
}

/**
 * Limits a call to what its caller gave it, and to what the contract allows at most. Where neither says anything, the
 * call isn't limited: how long a caller waits is for the caller to say.
 */
function limit(wire: WireCall, timeoutMs: number | undefined, clock: Clock): void {
  const { deadline } = wire;
  const allowed = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs;
  if (deadline !== undefined && deadline <= allowed) wire.limit.endAt(deadline, clock, 'caller');
  else if (timeoutMs !== undefined) wire.limit.endAt(allowed, clock, 'contract');
}
