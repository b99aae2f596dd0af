import type { Method } from '../contract/method.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { RouterError, TransportError } from '../status/wire-errors.js';

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
