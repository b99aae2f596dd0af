import { type Clock, systemClock } from '@rondo/base';
import type { Method } from '../contract/method.js';
import { DEFAULT_RETRY } from '../contract/retry-policy.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError, TransportError } from '../status/wire-errors.js';
import { CallWindow, isServerFault } from './outcomes.js';

/** What a failed attempt means for the call. */
export interface Failure {
  readonly error: RpcError;
  /** Whether the call may be retried at another instance. */
  readonly retryable: boolean;
  /** Whether the retry counts against the budget. A call that never left this process costs nothing. */
  readonly costs: boolean;
  /**
   * Whether the attempt counts towards the method's `maxAttempts`. It doesn't if its connection failed before the
   * server could take the call, or if the instance doesn't serve the method.
   */
  readonly counts: boolean;
  /** Whether the connection was lost before the server could take the call. */
  readonly connectionLost: boolean;
  readonly refusal: Refusal | undefined;
  /** Whether the failure is an answer from the server: the retry waits, and this is the call's error if there is none. */
  readonly answered: boolean;
}

/**
 * Classifies the failure of an attempt; undefined if `error` is no gRPC status.
 *
 * @param probe whether the attempt was a probe. A failed probe may be retried if the method is safe to repeat.
 */
export function classifyFailure(method: Method, error: unknown, probe: boolean): Failure | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const safe = method.policy.idempotency !== 'unknown';
  const refusal = refusalOf(method, error);
  if (refusal !== undefined) {
    const retryable = safe || refusal.proven;
    return { error, retryable, costs: true, counts: false, connectionLost: false, refusal, answered: false };
  }
  if (!(error instanceof TransportError)) {
    const retryable = isAllowed(error) && (isUnhandled(error) || (safe && isRetried(method, error, probe)));
    return { error, retryable, costs: true, counts: true, connectionLost: false, refusal, answered: true };
  }
  const unhandled = error.reach !== 'unknown';
  const costs = error.reach !== 'unsent';
  const retryable = safe || unhandled;
  return { error, retryable, costs, counts: !unhandled, connectionLost: unhandled, refusal, answered: false };
}

/** Whether the server lets the client retry. A server that passes on the error of its own call has retried that call itself. */
function isAllowed({ retryPushbackMs = 0 }: RpcError): boolean {
  return retryPushbackMs >= 0;
}

function isUnhandled(error: RpcError): boolean {
  return error instanceof RouterError && error.handled === 'never';
}

function isRetried({ policy: { retry = DEFAULT_RETRY } }: Method, { code }: RpcError, probe: boolean): boolean {
  return retry.codes.has(code) || (probe && isServerFault(code));
}

/** An answer that says that the instance does not serve the method. */
export interface Refusal {
  /** The message of the answer. */
  readonly reason: string;
  /** Whether it is proven that no handler ran, so that any call may be retried elsewhere. */
  readonly proven: boolean;
  /** Whether the peer does not speak gRPC, so that it refuses all methods. */
  readonly foreign: boolean;
}

/** The refusal in `error`; undefined for any other failure. */
export function refusalOf({ path }: Pick<Method, 'path'>, error: unknown): Refusal | undefined {
  if (!(error instanceof RpcError)) return undefined;
  const { message } = error;
  if (error instanceof TransportError) {
    return error.foreign ? { reason: message, proven: error.reach === 'never', foreign: true } : undefined;
  }
  if (error.code !== Status.UNIMPLEMENTED) return undefined;
  const proven = error instanceof RouterError ? error.handled === 'never' : isUnrouted(path, message);
  return { reason: message === '' ? `no ${path}` : message, proven, foreign: false };
}

/**
 * Whether `message` is the text that the dispatcher of another gRPC library writes for exactly this method. A text without
 * the method's name proves nothing: a handler may have run and passed on the status of a server behind it. A Rondo server
 * proves it by a trailer instead.
 */
function isUnrouted(path: string, message: string): boolean {
  const [, service = '', method = ''] = path.split('/');
  return UNROUTED.some((text) => text(service, method) === message);
}

const UNROUTED: readonly ((service: string, method: string) => string)[] = [
  (service, method) => `The server does not implement the method /${service}/${method}`, // grpc-js
  (service) => `unknown service ${service}`, // Go
  (service, method) => `unknown method ${method} for service ${service}`, // Go
  (service, method) => `Method not found: ${service}/${method}`, // Java
];

interface ActiveRefusal extends Refusal {
  /** Refusals in a row. */
  readonly count: number;
  /** When the next call may probe. */
  probeAt: number;
}

const FIRST_PROBE_MS = 1_000;
const MAX_PROBE_MS = 60_000;
/** The key of a refusal of all methods. */
const ALL_METHODS = '';

/**
 * The refusals of one instance. A first refusal counts for the whole service. Once the instance has answered another call
 * of the service, a refusal counts for its method alone, as from a replica of an older version. One call probes it after 1,
 * 2, 4 … 60 s.
 */
export class Refusals {
  readonly #active = new Map<string, ActiveRefusal>();
  /** Whether the instance has ever answered a call of this service. */
  #serves = false;

  /** The active refusal for the method at `path`. */
  ofMethod(path: string): Refusal | undefined {
    return this.#active.get(ALL_METHODS) ?? this.#active.get(path);
  }

  /** The active refusal of all methods. */
  get ofService(): Refusal | undefined {
    return this.#active.get(ALL_METHODS);
  }

  note(path: string, refusal: Refusal, now: number): void {
    const scope = this.#serves && !refusal.foreign ? path : ALL_METHODS;
    const count = (this.#active.get(scope)?.count ?? 0) + 1;
    const waitMs = Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** (count - 1));
    this.#active.set(scope, { ...refusal, count, probeAt: now + waitMs });
  }

  /** Records an answer to the method at `path`. Returns whether that ended a refusal. */
  clear(path: string): boolean {
    this.#serves = true;
    // The fast path of every answered call.
    if (this.#active.size === 0) return false;
    const whole = this.#active.delete(ALL_METHODS);
    return this.#active.delete(path) || whole;
  }

  /** Whether a call of the method at `path` may probe now. Blocks further probes for a while. */
  mayProbe(path: string, safe: boolean, now: number): boolean {
    const active = this.#active.get(ALL_METHODS) ?? this.#active.get(path);
    if (active === undefined || now < active.probeAt || !(safe || active.proven)) return false;
    active.probeAt = now + FIRST_PROBE_MS;
    return true;
  }

  /** Another process may answer now: the next probe is soon. */
  onConnected(now: number): void {
    for (const active of this.#active.values()) {
      active.probeAt = Math.min(active.probeAt, now + FIRST_PROBE_MS);
    }
  }
}

/** Options of {@link RetryBudget}. */
interface RetryBudgetOptions {
  /** What each call adds to the balance: in steady state, the share of calls that can be retried. Default: 0.2. */
  readonly ratio?: number;
  /** The initial balance, and the least that can be saved: how many retries a burst of failures may cost. Default: 100. */
  readonly reserve?: number;
  readonly clock?: Clock;
}

/** How long the balance from a call is kept. Milliseconds. */
const WINDOW_MS = 10_000;

/**
 * Limits retries, so that they can't turn an outage into a retry storm: attempts stay below `1 + ratio` times the calls.
 * The balance is capped by the reserve plus what the calls of the last 10 s added, because a lost connection fails more
 * calls when more are in flight. Source: Finagle's RetryBudget.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #clock: Clock;
  readonly #window = new CallWindow(WINDOW_MS);
  #balance: number;

  constructor({ ratio = 0.2, reserve = 100, clock = systemClock }: RetryBudgetOptions = {}) {
    this.#ratio = ratio;
    this.#reserve = reserve;
    this.#clock = clock;
    this.#balance = reserve;
  }

  /** Counts a call. */
  deposit(): void {
    const isNewSlot = this.#window.note(false, this.#clock.now());
    this.#balance += this.#ratio;
    if (isNewSlot) this.#cap();
  }

  /** Takes one retry from the balance. Returns whether there was one. */
  withdraw(): boolean {
    if (this.#window.advance(this.#clock.now())) this.#cap();
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }

  /** Forgets what the calls have added that are older than the window. */
  #cap(): void {
    this.#balance = Math.min(this.#balance, this.#reserve + this.#ratio * this.#window.calls);
  }
}
