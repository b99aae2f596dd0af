import { type ContextKey, createContextKey } from './context-values.js';

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
