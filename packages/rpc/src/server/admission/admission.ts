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
  /** Unary calls of all methods together. 10,000 by default; no bound if admission isn't adaptive. */
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

/** Decides whether a server's calls begin. Admitting a call allocates nothing. */
export class Admission implements AdmissionControl {
  boundsCallers = false;
  readonly #methods = new Map<string, MethodAdmission>();
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #log: SheddingLog;
  readonly #unary: CallsOfServer = { inFlight: 0, aside: 0, limited: 0 };
  readonly #callers = new Map<string, number>();
  #adaptive = true;
  #maxCalls: MaxCalls = {};
  #maxUnary = DEFAULT_MAX_CALLS;

  constructor({ options, clock, random, logger }: AdmissionSetup) {
    this.#clock = clock;
    this.#random = random;
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
      const { priority, inFlight, bound, latency, refused } = method;
      const limit = Math.min(bound, latency?.limit ?? bound);
      return { method: method.method, priority, inFlight, limit: limit === NO_LIMIT ? undefined : limit, refused };
    });
  }

  /** Begins a call, or returns why it is refused. */
  enter(method: MethodAdmission, now: number): CallRefused | undefined {
    const limit = this.#exceeded(method, now);
    if (limit !== undefined) return this.#refuse(method, limit, now);
    method.enter(now);
    return undefined;
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
    if (method.inFlight >= method.bound) return 'method';
    if (method.priority === 'critical' || method.bound !== NO_LIMIT) return undefined;
    if (method.unary && this.#unary.inFlight + this.#unary.aside >= this.#maxUnary) return 'server';
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
    this.#log.note({ path, limit, max, inFlight: method.inFlight }, now);
    return refusalOf({ limit, path, max, retryMs });
  }

  #maxOf({ bound, latency }: MethodAdmission, limit: Limit): number {
    if (limit === 'latency') return latency?.limit ?? 0;
    if (limit === 'caller') return this.#maxCalls.caller ?? 0;
    return limit === 'server' ? this.#maxUnary : bound;
  }
}
