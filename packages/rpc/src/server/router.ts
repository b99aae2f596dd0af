import {
  type Clock,
  idleMs,
  type Random,
  systemClock,
  systemRandom,
  systemWallClock,
  type WallClock,
} from '@rondo/base';
import { type Logger, type Reply, type ServerCall, silentLogger } from '../call/call.js';
import { toMicros } from '../call/durations.js';
import { Metadata } from '../call/metadata.js';
import type { OutcomeStore } from '../call/outcome-store.js';
import { type CallScope, iterateInScope, runInScope } from '../call/scope.js';
import { formatServerTiming, type RequestArrival, SERVER_TIMING } from '../call/server-timing.js';
import { receivedTraceId, TRACE_ID_BYTES, tracing } from '../call/trace.js';
import { type Method, methodsOf } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import { compose, enforceContext, leave, type Middleware, type Next } from '../middleware/middleware.js';
import { mapMessages, observe, type StreamObserver } from '../middleware/stream.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError } from '../status/wire-errors.js';
import { SERVED_BY } from '../transport/router-error.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import {
  Admission,
  type AdmissionControl,
  type AdmissionOptions,
  type MethodAdmission,
} from './admission/admission.js';
import { toRouterError, toRpcError } from './faults.js';
import type { AnyHandler, ServiceImplementation } from './handlers.js';
import { runOnce } from './keyed-calls.js';
import { MethodStats } from './method-stats.js';
import { readerOf } from './reading.js';
import { encodeResponse, type RequestReader, RoutedCall } from './routed-call.js';

export interface RouterOptions {
  readonly services: readonly ServiceImplementation[];
  /** Middleware around every handler; the first is the outermost. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /** Middleware outside of `middleware` that also sees the calls that are refused because of overload, such as metrics. */
  readonly telemetry?: readonly Middleware<ServerCall>[];
  /** How the server protects itself from overload. By default it refuses calls that would only queue. */
  readonly admission?: AdmissionOptions;
  /** Stores the outcomes of calls with idempotency keys. It is needed if a contract has such keys. */
  readonly outcomes?: OutcomeStore;
  /** Sent in the trailing metadata `rondo-served-by` of every call, so that balancing can be observed. */
  readonly instanceId?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Tells handlers the date of their deadline. */
  readonly wallClock?: WallClock;
  readonly random?: Random;
}

/** Routes calls from any transport through the middleware to their handlers. */
export interface Router {
  /** Every method that has a handler. */
  readonly methods: readonly Method[];
  /** The call statistics of each method, by its path. Calls of unserved methods aren't counted. */
  readonly stats: ReadonlyMap<string, MethodStats>;
  /** Answers one call. It rejects only with a {@link RouterError}. */
  handle(call: ReceivedWireCall): Promise<Reply<Uint8Array>>;
  /** Which calls are refused because of overload. */
  readonly admission: AdmissionControl;
  /** The transport logs here if it couldn't send a reply. */
  readonly logger: Logger;
}

interface Route {
  readonly method: Method;
  /** Reads the request for the handler, if it has a reader. */
  readonly reader: RequestReader | undefined;
  readonly stats: MethodStats;
  readonly admission: MethodAdmission;
  readonly run: Next<ServerCall>;
}

/**
 * Creates a router.
 *
 * @throws TypeError if a service is listed twice, or a handler or the store of outcomes is missing.
 */
export function createRouter(options: RouterOptions): Router {
  const { instanceId, logger = silentLogger, random = systemRandom, telemetry = [] } = options;
  const { clock = systemClock, wallClock = systemWallClock } = options;
  const clocks = { clock, wallClock };
  const servedBy = new Metadata(instanceId === undefined ? undefined : [[SERVED_BY, instanceId]]);
  const admission = new Admission({ options: options.admission ?? {}, clock, random, logger });
  const routes = routesOf(options, [...telemetry, ...(options.middleware ?? []), enforceContext], admission);

  function toServerCall({ method, reader, stats }: Route, wire: ReceivedWireCall): RoutedCall {
    const span = tracing()?.server(method, wire.metadata, wire.previousAttempts ?? 0);
    if (span !== undefined) wire.context.span = span;
    const traceId = span?.traceId ?? receivedTraceId(wire.metadata) ?? random.hex(TRACE_ID_BYTES);
    limit(wire, method.policy.timeoutMs, clock);
    const trailer = Metadata.over(servedBy);
    return new RoutedCall(wire, { method, reader, stats, startedAt: clock.now(), clocks, traceId, trailer, logger });
  }

  async function handle(wire: ReceivedWireCall): Promise<Reply<Uint8Array>> {
    const route = routeOf(wire, routes, servedBy);
    const { method, run, stats } = route;
    const call = toServerCall(route, wire);
    stats.begun += 1;
    noteWork();
    const { arrival } = wire;
    const refusal = admission.enter(route.admission, call.startedAt);
    try {
      if (refusal !== undefined) {
        await compose(telemetry, () => Promise.reject(refusal))(call);
        throw refusal;
      }
      if (route.admission.unary) call.context.counted = route.admission;
      const loading = method.requestType.checked?.load?.();
      if (loading !== undefined) await loading;
      const { span } = call.context;
      const result = await (span === undefined ? run(call) : span.run(run, call));
      if (result.response.stream !== method.responseStream) throw otherReply(result, method);
      if (arrival !== undefined) tellTimes(call, arrival, clock.now());
      const { header, trailer, response } = result;
      if (response.stream) {
        const encoded = mapMessages(response.messages, (message) => encodeResponse(method, message));
        const observer = observerOf(call, stats, (code) => end(route, code, call));
        return { header, trailer, response: { stream: true, messages: observe(encoded, observer) } };
      }
      const message = encodeResponse(method, response.message);
      stats.replyBytes += message.length;
      end(route, Status.OK, call);
      span?.end();
      call.context.release();
      return { header, trailer, response: { stream: false, message } };
    } catch (fault) {
      call.context.release();
      if (arrival !== undefined) tellTimes(call, arrival, clock.now());
      const error = toRouterError(call, toRpcError(call, fault));
      call.context.span?.end(error);
      if (refusal === undefined) end(route, error.code, call);
      else stats.ended[error.code] = (stats.ended[error.code] ?? 0) + 1;
      throw error;
    }
  }

  function end({ stats, admission: admitted }: Route, code: Status, { startedAt, context }: RoutedCall): void {
    const now = clock.now();
    stats.ended[code] = (stats.ended[code] ?? 0) + 1;
    const micros = toMicros(now - startedAt);
    if (admitted.unary) stats.took(micros);
    if (admitted.unary && context.counted === undefined) admitted.leaveAside();
    else admitted.leave(micros, now, code);
    context.counted = undefined;
    if (context.running instanceof Promise) admission.hold(admitted, context.running);
  }

  const methods = [...routes.values()].map(({ method }) => method);
  const stats = new Map([...routes].map(([path, route]) => [path, route.stats]));
  return { methods, stats, handle, admission, logger };
}

/** Tells the client the server's part of the call's time, if the handler has left room for it. */
function tellTimes({ trailer, startedAt }: RoutedCall, arrival: RequestArrival, now: number): void {
  try {
    trailer.set(SERVER_TIMING, formatServerTiming({ ...arrival, processMs: now - startedAt }));
  } catch {
    return; // the handler's own entries go first
  }
}

/** The route of a call. @throws RouterError if the method isn't served, or if its kind (unary or streaming) isn't the call's. */
function routeOf(wire: ReceivedWireCall, routes: ReadonlyMap<string, Route>, metadata: Metadata): Route {
  const route = routes.get(wire.path);
  // No handler can have run, so the call may be retried at another instance.
  if (route === undefined) throw serverErrors.NOT_SERVED({ path: wire.path }, { handled: 'never', metadata });
  const { method } = route;
  const isAlike = wire.request.stream === method.requestStream && wire.responseStream === method.responseStream;
  // Its transport can't carry what the method sends: the stream would never be read, nor closed.
  if (!isAlike) throw serverErrors.OTHER_SHAPE({ path: method.path }, { handled: 'never', metadata });
  return route;
}

/** The error of a reply of another shape, such as from middleware. It closes its stream, as no transport would. */
function otherReply(reply: Reply, { path }: Method): TypeError {
  leave(reply);
  return new TypeError(`${path}: the reply has another shape than in its contract`);
}

/** Observes the messages and the end of a response stream. */
function observerOf(call: ServerCall, stats: MethodStats, end: (code: Status) => void): StreamObserver<Uint8Array> {
  // A watch lasts as long as its caller wants: its span ends as it begins, and each message has one.
  const watch = call.method.policy.resume === undefined ? undefined : call.context.span;
  watch?.end();
  return {
    message: (bytes) => {
      stats.replyBytes += bytes.length;
      watch?.message();
    },
    error: (fault) => toRouterError(call, toRpcError(call, fault)),
    end: (error) => {
      end(error instanceof RpcError ? error.code : (call.context.reason ?? OK).code);
      call.context.span?.end(error ?? call.context.reason);
      call.context.release();
    },
  };
}

const OK = { code: Status.OK };

function routesOf(
  { services, outcomes }: RouterOptions,
  chain: readonly Middleware<ServerCall>[],
  admission: Admission,
): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const { definition, handlers } of services) {
    for (const [key, method] of methodsOf(definition)) {
      const handler = handlerOf(handlers, key);
      if (handler === undefined) throw new TypeError(`${method.path} has no handler: implement "${key}"`);
      if (routes.has(method.path)) throw new TypeError(`${method.path} has two handlers: list its service once`);
      if (method.policy.key !== undefined && outcomes === undefined) throw new TypeError(`${method.path} ${NO_STORE}`);
      const admitted = admission.add(method);
      const hand = handOver(handler, method.policy.key && outcomes);
      const run = compose(chain, (call) =>
        admission.boundsCallers ? admission.ofCaller(admitted, call, hand) : hand(call),
      );
      // The first call needn't wait then. It reports a failure, too.
      method.requestType.checked?.load?.()?.catch(() => undefined);
      const reader = readerOf(handler);
      routes.set(method.path, { method, reader, stats: new MethodStats(), admission: admitted, run });
    }
  }
  return routes;
}

/**
 * The end of the middleware chain: a call that fails before it has had no effects. Calls with idempotency keys take effect once, by
 * the store of their outcomes.
 */
function handOver(handler: AnyHandler, outcomes: OutcomeStore | undefined): Next<ServerCall> {
  return (call) => {
    call.context.handling = true;
    return outcomes === undefined
      ? invoke(handler, call)
      : runOnce(call, outcomes, (scope) => invoke(handler, call, scope));
  };
}

/**
 * Runs a handler in the scope of its call, so that the calls it makes inherit deadline, cancellation and trace.
 * Everything that it throws becomes an `RpcError` before middleware sees it.
 */
async function invoke(handler: AnyHandler, call: ServerCall, scope: CallScope = call): Promise<Reply> {
  const { header, trailer, method } = call;
  try {
    const request = call.request.stream ? call.request.messages : call.request.message;
    const result = runInScope(scope, handler, request as never, call);
    if (!method.responseStream) {
      call.context.running = result;
      const message = await result;
      call.context.running = undefined;
      return { header, trailer, response: { stream: false, message } };
    }
    if (!isAsyncIterable(result)) throw new TypeError(`${method.path}: its handler must return an async iterable`);
    const messages = observe(iterateInScope(call, result), { error: (fault) => toRpcError(call, fault) });
    return { header, trailer, response: { stream: true, messages } };
  } catch (fault) {
    call.context.running = undefined;
    throw toRpcError(call, fault);
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

const NO_STORE =
  'has idempotency keys, and there is no store for outcomes: pass `outcomes`, which createOutcomeStore of @rondo/database makes';

/** A method that every object inherits, such as `toString`, is no handler. */
function handlerOf(handlers: ServiceImplementation['handlers'], key: string): AnyHandler | undefined {
  return handlers[key] === Reflect.get(Object.prototype, key) ? undefined : handlers[key];
}

/**
 * Sets the deadline of a call: the earlier of the caller's and the contract's. Without either, the call isn't limited, because only
 * the caller can say how long it waits. The transport may have applied the contract's timeout already, when the call arrived.
 */
function limit(wire: ReceivedWireCall, timeoutMs: number | undefined, clock: Clock): void {
  const { deadline } = wire;
  const allowed = timeoutMs === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeoutMs;
  const { endsAt = Number.POSITIVE_INFINITY } = wire.context;
  if (deadline !== undefined && deadline <= allowed) {
    if (deadline < endsAt) wire.context.endAt(deadline, clock, 'caller');
  } else if (timeoutMs !== undefined && allowed < endsAt) {
    wire.context.endAt(allowed, clock, 'contract');
  }
}

/** The interval at which the idle time is read, because each reading is costly. Milliseconds. */
const INTERVAL_MS = 5;
/** A loop that had less of its time for work wasn't busy all the time. */
const BUSY_SHARE = 0.9;

let notedAt = Number.NEGATIVE_INFINITY;
let idleThenMs = 0;

/** Notes that this process's event loop begins with work that may be long: a call. */
function noteWork(): void {
  const now = systemClock.now();
  if (now - notedAt < INTERVAL_MS) return;
  notedAt = now;
  idleThenMs = idleMs();
}

/**
 * How long the event loop has been busy without a pause, counted from the call with which that began. 0 after a
 * pause. Milliseconds.
 */
export function busyLoopMs(): number {
  const passedMs = systemClock.now() - notedAt;
  const busyMs = passedMs - (idleMs() - idleThenMs);
  return Number.isFinite(passedMs) && busyMs > passedMs * BUSY_SHARE ? busyMs : 0;
}
