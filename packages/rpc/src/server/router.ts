import {
  type CallLimit,
  type Logger,
  Metadata,
  newTraceId,
  type Payload,
  type Reply,
  receivedTraceId,
  type ServerCall,
  silentLogger,
} from '../call/index.js';
import { type Clock, type Random, systemClock, systemRandom } from '../clock/index.js';
import { type Method, methodsOf } from '../contract/index.js';
import { compose, enforceLimit, type Middleware, type Next, observeReply, untilAborted } from '../middleware/index.js';
import type { WireCall } from '../transport/index.js';
import { decodeRequest, encodeReply } from './codec.js';
import { hideFaults, toRpcError, toTrailer } from './faults.js';
import type { ServiceImplementation } from './handlers.js';
import { invoke, unimplemented } from './invoke.js';

/** What a router is made from. */
export interface RouterOptions {
  readonly services: readonly ServiceImplementation[];
  /** Runs around every handler; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /** Named in the trailing metadata `rondo-served-by` of every outcome, so that balancing can be seen. */
  readonly instanceId?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Takes calls from any transport through the one chain to their handlers. */
export interface Router {
  /** Every method served. */
  readonly methods: readonly Method[];
  /** Answers one call. It rejects with an {@link RpcError} and nothing else. */
  handle(call: WireCall): Promise<Reply<Uint8Array>>;
}

interface Route {
  readonly method: Method;
  readonly run: Next<ServerCall>;
}

/** The trailing metadata that names the instance which served a call. */
const SERVED_BY = 'rondo-served-by';

/**
 * Makes a router.
 *
 * @throws TypeError where a service is listed twice, or a handler is missing.
 */
export function createRouter(options: RouterOptions): Router {
  const { instanceId, logger = silentLogger, clock = systemClock, random = systemRandom } = options;
  const servedBy = new Metadata(instanceId === undefined ? undefined : [[SERVED_BY, instanceId]]);
  const routes = routesOf(options.services, [...(options.middleware ?? []), enforceLimit, hideFaults]);

  function toServerCall(method: Method, wire: WireCall): ServerCall {
    const traceId = receivedTraceId(wire.metadata) ?? newTraceId(random);
    const deadline = earliest(wire.deadline, method.policy.timeoutMs, clock);
    const { limit } = wire;
    if (deadline !== undefined) limit.endAt(deadline, clock);
    let request: Payload | undefined;
    let log: Logger | undefined;
    return {
      method,
      metadata: wire.metadata,
      deadline,
      get signal() {
        return limit.signal;
      },
      limit,
      // Decoded where it is first read, so that what refuses a call early doesn't pay for it.
      get request() {
        request ??= decodeRequest(method, untilLimit(wire.request, limit));
        return request;
      },
      traceId,
      peer: wire.peer,
      header: new Metadata(),
      trailer: servedBy.clone(),
      get log() {
        log ??= logger.child({ method: method.path, traceId });
        return log;
      },
    };
  }

  async function handle(wire: WireCall): Promise<Reply<Uint8Array>> {
    const route = routes.get(wire.path);
    if (route === undefined) throw unimplemented(wire.path);
    const { method, run } = route;
    const call = toServerCall(method, wire);
    const error = (fault: unknown) => toTrailer(call, toRpcError(call, fault));
    const end = () => call.limit.release();
    try {
      const reply = encodeReply(method, await run(call));
      if (method.responseStream) return observeReply(reply, { error, end });
      end();
      return reply;
    } catch (fault) {
      end();
      throw error(fault);
    }
  }

  return { methods: [...routes.values()].map(({ method }) => method), handle };
}

function routesOf(
  services: readonly ServiceImplementation[],
  chain: readonly Middleware<ServerCall>[],
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const { definition, handlers } of services) {
    for (const [key, method] of methodsOf(definition)) {
      const handler = handlers[key];
      if (handler === undefined) throw new TypeError(`${method.path} has no handler: implement "${key}"`);
      if (routes.has(method.path)) throw new TypeError(`${method.path} has two handlers: list its service once`);
      routes.set(method.path, { method, run: compose(chain, (call) => invoke(handler, call)) });
    }
  }
  return routes;
}

/** A handler that waits for its caller's next message doesn't outlive the call. */
function untilLimit(request: Payload<Uint8Array>, limit: CallLimit): Payload<Uint8Array> {
  return request.stream ? { stream: true, messages: untilAborted(request.messages, limit.signal) } : request;
}

function earliest(deadline: number | undefined, timeoutMs: number | undefined, clock: Clock): number | undefined {
  if (timeoutMs === undefined) return deadline;
  return Math.min(deadline ?? Number.POSITIVE_INFINITY, clock.now() + timeoutMs);
}
