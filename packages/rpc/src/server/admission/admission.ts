import type { Clock, Random } from '@rondo/base';
import type { Logger, Reply, ServerCall } from '../../call/call.js';
import { callerOf } from '../../call/values.js';
import type { Method } from '../../contract/method.js';
import type { Priority } from '../../contract/priority.js';
import type { Next } from '../../middleware/middleware.js';
import { endWith } from '../../middleware/stream.js';
import { Status } from '../../status/code.js';
import type { CallRefused } from '../../status/wire-errors.js';
import { type CallsOfServer, LatencyLimit, NO_LIMIT } from './latency-limit.js';
import { type Limit, refusalOf } from './refusal.js';
import { SheddingLog } from './shedding-log.js';

/** Bounds of the calls in flight. What is left out has its default. */
export interface MaxCalls {
  /**
   * Unary calls of all methods together. 10,000 by default; no bound if admission isn't adaptive. In this and the other bounds, a call
   * that its caller has left counts until its handler ends.
   */
  readonly server?: number | undefined;
  /** Calls of each caller that middleware has identified by `callerIdentity`. No bound by default. */
  readonly caller?: number | undefined;
  /**
   * Calls of single methods, by `/package.Service/Method`; a stream counts while it is open. A method with a bound of its own has
   * no other limit, which suits calls that wait for an event. Methods that the server doesn't have are ignored.
   */
  readonly methods?: Readonly<Record<string, number>> | undefined;
}

/** How a server protects itself from more calls than it can answer. */
export interface AdmissionOptions {
  /** Whether calls are refused if they queue. True by default. */
  readonly adaptive?: boolean | undefined;
  /** Bounds of the calls in flight. */
  readonly maxCalls?: MaxCalls | undefined;
}

/** What admission does with the calls of one method. */
export interface AdmissionView {
  readonly method: Method;
  readonly priority: Priority;
  readonly inFlight: number;
  /** The most calls in flight now; undefined for no limit. */
  readonly limit: number | undefined;
  /** Refused calls since the server's start, by what they would have exceeded. */
  readonly refused: ReadonlyMap<Limit, number>;
}

/** What a server's admission answers and takes while it runs. */
export interface AdmissionControl {
  /** Replaces the given options at once; the others stay. Calls in flight stay, too. */
  update(options: AdmissionOptions): void;
  inspect(): readonly AdmissionView[];
}

const DEFAULT_MAX_CALLS = 10_000;
/** How long a handler counts at most that runs on although its call has ended: one that hangs must not block the server. Milliseconds. */
const MAX_HELD_MS = 60_000;
/** The wait before a refused call may be retried: its bounds, and its value if the usual duration isn't known. Milliseconds. */
const RETRY_MS = { least: 10, unknown: 100, most: 1_000 } as const;

/** Services of other contracts, which can't declare a priority, that keep a system running. */
const CRITICAL_SERVICES: ReadonlySet<string> = new Set([
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
  'xds.service.orca.v3.OpenRcaService',
]);

/** The priority of a method: its contract's, or that of what every system needs. */
function priorityOf({ service, policy }: Method): Priority {
  return policy.priority ?? (CRITICAL_SERVICES.has(service) ? 'critical' : 'normal');
}

/** The calls of one method. */
export class MethodAdmission {
  readonly method: Method;
  readonly priority: Priority;
  readonly unary: boolean;
  /** Undefined for methods that it doesn't suit: streams last as long as their readers like. */
  readonly latency: LatencyLimit | undefined;
  /** The configured bound. */
  bound = NO_LIMIT;
  inFlight = 0;
  /** How many of its handlers run on although their calls have ended. */
  abandoned = 0;
  readonly refused = new Map<Limit, number>();
  readonly #server: CallsOfServer;

  /** @param server counts the unary calls of all methods. */
  constructor(method: Method, server: CallsOfServer) {
    this.method = method;
    this.#server = server;
    this.priority = priorityOf(method);
    this.unary = !method.requestStream && !method.responseStream;
    this.latency = this.unary && this.priority !== 'critical' ? new LatencyLimit(this.priority, server) : undefined;
  }

  enter(now: number): void {
    this.inFlight += 1;
    if (!this.unary) return;
    this.#server.inFlight += 1;
    this.latency?.begin(now);
  }

  /** No longer counts a call in what calls of the server queue: it waits for a lock, or for a database that is away. */
  setAside(): void {
    this.#server.inFlight -= 1;
    this.#server.aside += 1;
    this.latency?.setAside();
  }

  /** Ends a call that began, and took so many microseconds. */
  leave(micros: number, now: number, code: Status): void {
    this.inFlight -= 1;
    if (!this.unary) return;
    this.#server.inFlight -= 1;
    this.latency?.end(micros, now, code === Status.OK);
  }

  /** Ends a call that was set aside. */
  leaveAside(): void {
    this.inFlight -= 1;
    this.#server.aside -= 1;
  }
}

/** What {@link Admission} needs. */
interface AdmissionSetup {
  readonly options: AdmissionOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A handler that runs on. */
interface Abandoned {
  readonly method: MethodAdmission;
  readonly since: number;
}

/** Decides whether a server's calls begin. Admitting a call allocates nothing. */
export class Admission implements AdmissionControl {
  boundsCallers = false;
  readonly #methods = new Map<string, MethodAdmission>();
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #log: SheddingLog;
  readonly #unary: CallsOfServer = { inFlight: 0, aside: 0, limited: 0 };
  readonly #callers = new Map<string, number>();
  /** The one that was left first at the front. */
  readonly #abandoned = new Set<Abandoned>();
  #abandonedUnary = 0;
  #hungAt = Number.NEGATIVE_INFINITY;
  #adaptive = true;
  #maxCalls: MaxCalls = {};
  #maxUnary = DEFAULT_MAX_CALLS;

  constructor({ options, clock, random, logger }: AdmissionSetup) {
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
    this.#log = new SheddingLog(logger, clock);
    this.update(options);
  }

  add(method: Method): MethodAdmission {
    const added = new MethodAdmission(method, this.#unary);
    added.bound = this.#maxCalls.methods?.[method.path] ?? NO_LIMIT;
    this.#methods.set(method.path, added);
    return added;
  }

  update({ adaptive, maxCalls }: AdmissionOptions): void {
    if (adaptive !== undefined) this.#adaptive = adaptive;
    if (maxCalls !== undefined) this.#maxCalls = maxCalls;
    const { server, caller, methods = {} } = this.#maxCalls;
    this.boundsCallers = caller !== undefined;
    this.#maxUnary = server ?? (this.#adaptive ? DEFAULT_MAX_CALLS : NO_LIMIT);
    for (const [path, method] of this.#methods) {
      method.bound = methods[path] ?? NO_LIMIT;
      if (!this.#adaptive) method.latency?.lift();
    }
  }

  inspect(): readonly AdmissionView[] {
    return [...this.#methods.values()].map((method) => {
      const { priority, bound, latency, refused } = method;
      const inFlight = method.inFlight + method.abandoned;
      const limit = Math.min(bound, latency?.limit ?? bound);
      return { method: method.method, priority, inFlight, limit: limit === NO_LIMIT ? undefined : limit, refused };
    });
  }

  /** Begins a call, or returns why it is refused. */
  enter(method: MethodAdmission, now: number): CallRefused | undefined {
    let limit = this.#exceeded(method, now);
    if (limit !== undefined && this.#giveUpHung(now)) limit = this.#exceeded(method, now);
    if (limit !== undefined) return this.#refuse(method, limit, now);
    method.enter(now);
    return undefined;
  }

  /** The call of a handler has ended, and the handler runs on: it counts until it ends. */
  hold(method: MethodAdmission, handler: Promise<unknown>): void {
    const held = { method, since: this.#clock.now() };
    this.#abandoned.add(held);
    method.abandoned += 1;
    if (method.unary) this.#abandonedUnary += 1;
    const release = () => this.#release(held);
    handler.then(release, release);
  }

  #release(held: Abandoned): void {
    if (!this.#abandoned.delete(held)) return;
    held.method.abandoned -= 1;
    if (held.method.unary) this.#abandonedUnary -= 1;
  }

  /** No longer counts the handlers that have run on for too long. False if there are none. */
  #giveUpHung(now: number): boolean {
    const before = this.#abandoned.size;
    for (const held of this.#abandoned) {
      if (now - held.since < MAX_HELD_MS) break;
      this.#release(held);
      if (now - this.#hungAt < MAX_HELD_MS) continue;
      this.#hungAt = now;
      const text = 'a handler runs on a minute after its call has ended, and no longer counts; pass on call.signal';
      this.#logger.warn({ method: held.method.method.path, abandoned: before }, text);
    }
    return this.#abandoned.size < before;
  }

  /** Hands a call to its handler, unless its caller has too many in flight. */
  ofCaller(method: MethodAdmission, call: ServerCall, handle: Next<ServerCall>): Promise<Reply> {
    const { caller: max = Number.POSITIVE_INFINITY } = this.#maxCalls;
    const caller = callerOf(call.values);
    if (caller === '' || method.priority === 'critical') return handle(call);
    const inFlight = this.#callers.get(caller) ?? 0;
    if (inFlight >= max) return Promise.reject(this.#refuse(method, 'caller', this.#clock.now()));
    this.#callers.set(caller, inFlight + 1);
    return endWith(handle(call), () => {
      const left = (this.#callers.get(caller) ?? 1) - 1;
      if (left === 0) this.#callers.delete(caller);
      else this.#callers.set(caller, left);
    });
  }

  #exceeded(method: MethodAdmission, now: number): Limit | undefined {
    if (method.inFlight + method.abandoned >= method.bound) return 'method';
    if (method.priority === 'critical' || method.bound !== NO_LIMIT) return undefined;
    const { inFlight, aside } = this.#unary;
    if (method.unary && inFlight + aside + this.#abandonedUnary >= this.#maxUnary) return 'server';
    if (!this.#adaptive || method.latency === undefined || method.latency.admits(now)) return undefined;
    return 'latency';
  }

  #refuse(method: MethodAdmission, limit: Limit, now: number): CallRefused {
    method.refused.set(limit, (method.refused.get(limit) ?? 0) + 1);
    const usualMs = method.latency?.usualMs ?? Number.NaN;
    const waitMs = (Number.isNaN(usualMs) ? RETRY_MS.unknown : usualMs) * (1 + this.#random.next());
    const retryMs = Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, waitMs));
    const { path } = method.method;
    const max = this.#maxOf(method, limit);
    const { inFlight, abandoned } = method;
    this.#log.note({ path, limit, max, inFlight, abandoned }, now);
    return refusalOf({ limit, path, max, retryMs });
  }

  #maxOf({ bound, latency }: MethodAdmission, limit: Limit): number {
    if (limit === 'latency') return latency?.limit ?? 0;
    if (limit === 'caller') return this.#maxCalls.caller ?? 0;
    return limit === 'server' ? this.#maxUnary : bound;
  }
}
