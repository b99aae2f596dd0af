import { createHash } from 'node:crypto';
import type { Settle } from '@rondo/base';

/**
 * Identifies a value in a {@link ContextValues} and gives its type. Two keys are the same only if they are the same
 * object.
 */
export interface ContextKey<in out T> {
  /** The value while none has been set. */
  readonly defaultValue: T;
  /** For debugging; it needn't be unique. */
  readonly description: string | undefined;
}

/** Options of {@link createContextKey}. */
export interface ContextKeyOptions {
  readonly description?: string;
}

/** Creates a key. Create it once, in a module that both the writer and the reader of the value import. */
export function createContextKey<T>(defaultValue: T, { description }: ContextKeyOptions = {}): ContextKey<T> {
  return { defaultValue, description };
}

/**
 * Values that a call carries from one middleware to the next and to the handler, such as the authenticated user. Each
 * call has its own; a copy made by `{ ...call }` shares it. The values are sent to no other process and don't reach
 * calls that the handler makes.
 */
export class ContextValues {
  #values: Map<unknown, unknown> | undefined;

  /** The value of `key`: the last one set, or else the key's default. */
  get<T>(key: ContextKey<T>): T {
    // The entry was set with this key, so it has the key's type.
    return this.#values?.has(key) ? (this.#values.get(key) as T) : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: NoInfer<T>): this {
    this.#values ??= new Map();
    this.#values.set(key, value);
    return this;
  }

  /** Removes the value, so that `key` has its default again. */
  delete<T>(key: ContextKey<T>): this {
    this.#values?.delete(key);
    return this;
  }
}

/**
 * The caller of a call: with mutual TLS the SPIFFE id of its certificate, such as `spiffe://example.org/sales`, unless
 * middleware authenticates another. Idempotency keys of different callers are different keys. Empty if neither is known.
 */
export const callerIdentity: ContextKey<string> = createContextKey('', { description: 'caller identity' });

/** A person or a program on whose behalf a call is made, once its credentials have been verified. */
export interface Principal {
  /**
   * The name of the person or program, such as `ada`: no other one has it, as that of an issuer which isn't the first of
   * `RONDO_AUTH_ISSUER` begins with the issuer, `https://login.example.com/#ada`. At most 255 bytes.
   */
  readonly subject: string;
  /** Who has issued the credentials: the issuer of a token, or `api-keys`. */
  readonly issuer: string;
  /** What the principal may do, such as `sales.read`. */
  readonly scopes: readonly string[];
  /** The processes that have passed the call on, the latest first, by their SPIFFE ids (`act` of RFC 8693). */
  readonly actors: readonly string[];
  /** The time at which the credentials expire, and the streams that began with them end. Undefined if it isn't known. */
  readonly expireTime?: Date | undefined;
}

/**
 * On whose behalf a call is made. Undefined if the call came without credentials, which authorisation allows in methods that
 * are public or for processes only.
 */
export const callPrincipal: ContextKey<Principal | undefined> = createContextKey<Principal | undefined>(undefined, {
  description: 'principal',
});

/** How the transaction of a stored call ends it. Only the loopback of a process sets it. */
export const callSettle: ContextKey<Settle | undefined> = createContextKey<Settle | undefined>(undefined, {
  description: 'settle',
});

/** A longer name of a caller is represented by its digest. Characters. */
const MAX_PLAIN_LENGTH = 512;

/**
 * The caller of a call, as a key for what each caller has of its own (queues, caches): the process, and the principal on whose
 * behalf it calls. Empty if neither is known. One name from two issuers, or through two processes, is two callers.
 */
export function callerOf(values: ContextValues): string {
  const identity = values.get(callerIdentity);
  const principal = values.get(callPrincipal);
  if (principal === undefined) return identity;
  const text = JSON.stringify([identity, principal.issuer, principal.subject]);
  if (text.length <= MAX_PLAIN_LENGTH) return text;
  return `sha256:${createHash('sha256').update(text).digest('base64url')}`;
}
