import type { Logger, Principal } from '@rondo/rpc/call';
import type { Clock, WallClock } from '@rondo/rpc/clock';

/** An issuer of tokens, and where its keys are. */
export interface Issuer {
  /** As tokens name it in `iss`. */
  readonly name: string;
  /** The URL of its JWK set: https, http on this machine, or a file. By default OpenID Connect's discovery finds it. */
  readonly jwks?: URL | undefined;
}

/** Which tokens are accepted. */
export interface TokenRules {
  /** The subjects of the first one are taken as they are; those of another one as `ISSUER#SUBJECT`. */
  readonly issuers: readonly Issuer[];
  /** The audience of the tokens: `aud` has to name it. */
  readonly audience: string;
  /** The claim with the scopes; by default `scope` or `scp`. */
  readonly scopesClaim?: string | undefined;
}

/** Which credentials an {@link Authenticator} accepts. */
export interface AuthenticatorOptions {
  /** Tokens; none are accepted by default. */
  readonly tokens?: TokenRules | undefined;
  /** The file of `rondo keys`; no API keys are accepted by default. */
  readonly keyFile?: string | undefined;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly log: Logger;
}

/** The header fields with credentials, each with all its values as received. */
export interface CredentialHeaders {
  readonly authorization: readonly string[];
  readonly apiKey: readonly string[];
}

/** Verifies the credentials of people and programs outside of the system. */
export interface Authenticator {
  /** The names of the issuers whose tokens are accepted; none by default. */
  readonly issuers?: readonly string[];
  /**
   * On whose behalf a call is made; undefined if it has no credentials.
   *
   * @throws RpcError `UNAUTHENTICATED` for credentials that aren't valid, `INVALID_ARGUMENT` for several, and
   * `UNAVAILABLE` if the keys of the token's issuer can't be fetched.
   */
  authenticate(headers: CredentialHeaders): Promise<Principal | undefined>;
  /** Stops following the files. */
  close(): void;
}

/** What verifies credentials, as an app passes it to its process: `runService({ …, plugins: [tokens] })`. */
export interface TokensPlugin {
  readonly kind: 'tokens';
  /** The npm package that it comes from. */
  readonly package: string;
  /** @throws TypeError if the keys of an issuer can't be found or trusted; Error if the file of API keys is malformed. */
  open(options: AuthenticatorOptions): Promise<Authenticator>;
}
