import type { Method } from '../contract/index.js';
import { RpcError, Status } from '../status/index.js';
import { RouterError, TransportError } from '../transport/index.js';

/** An instance's word that it doesn't do what it was asked for. */
export interface Refusal {
  /** What it said. */
  readonly reason: string;
  /** Whether no handler can have seen the call, so that any call may go elsewhere. */
  readonly proven: boolean;
  /** Whether it isn't about this method alone: what answers isn't even gRPC. */
  readonly foreign: boolean;
}

/** What `error` says of the instance, if it is a refusal; undefined for every other failure. */
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
 * Whether `message` is what the dispatcher of a foreign gRPC library writes for the method at `path` alone. A text
 * without a name proves nothing: a handler may have run and passed on what a server behind it said. A Rondo server says
 * by its trailer what its texts can't prove.
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
  /** In a row. */
  readonly count: number;
  /** When one call may find out whether that has changed. */
  retryAt: number;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** Stands for all methods. */
const WHOLE = '';

/**
 * What one instance refuses to do for one service: all of it, until it has answered something else once; after that a
 * method alone, as a replica of an older version does. One call in a while asks again, after 1, 2, 4 … 60 s.
 */
export class Refusals {
  readonly #standing = new Map<string, ActiveRefusal>();
  /** Whether it has ever answered this service with anything else. */
  #serves = false;

  /** The refusal that stands for the method at `path`. */
  ofMethod(path: string): Refusal | undefined {
    return this.#standing.get(WHOLE) ?? this.#standing.get(path);
  }

  /** The one that stands for all methods. */
  get ofService(): Refusal | undefined {
    return this.#standing.get(WHOLE);
  }

  /** Notes one at `now`. */
  note(path: string, refusal: Refusal, now: number): void {
    const scope = this.#serves && !refusal.foreign ? path : WHOLE;
    const count = (this.#standing.get(scope)?.count ?? 0) + 1;
    const waitMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (count - 1));
    this.#standing.set(scope, { ...refusal, count, retryAt: now + waitMs });
  }

  /** Notes that it has answered a call of the method at `path`. Gives whether that is news. */
  clear(path: string): boolean {
    this.#serves = true;
    // Each call that is answered comes here.
    if (this.#standing.size === 0) return false;
    const whole = this.#standing.delete(WHOLE);
    return this.#standing.delete(path) || whole;
  }

  /** Whether a call may ask again now, of the method at `path`; the next one has to wait. */
  mayProbe(path: string, safe: boolean, now: number): boolean {
    const standing = this.#standing.get(WHOLE) ?? this.#standing.get(path);
    if (standing === undefined || now < standing.retryAt || !(safe || standing.proven)) return false;
    standing.retryAt = now + FIRST_RETRY_MS;
    return true;
  }

  /** Another process may be at the address now: it is asked soon. */
  onConnected(now: number): void {
    for (const standing of this.#standing.values()) {
      standing.retryAt = Math.min(standing.retryAt, now + FIRST_RETRY_MS);
    }
  }
}
