import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Clock, Random, WallClock } from '@rondo/base';
import type { Principal } from '../call/values.js';
import { clientErrors } from '../errors/client.js';
import type { ProcessCertificate } from '../tls/certificate.js';
import { ASSERTION_TYPE, algorithmOf, claimsOf, LIFETIME_SECONDS, MAX_ASSERTION_LENGTH } from './claims.js';

/** An assertion is sent again for half of its life. Milliseconds. */
const REUSE_MS = (LIFETIME_SECONDS * 1_000) / 2;
/** The most assertions that one connection keeps. */
const MAX_KEPT = 1_000;

/** The two ends of a connection with mutual TLS. */
export interface SecuredConnection {
  /** The certificate with which this process made the connection. */
  readonly certificate: ProcessCertificate;
  /** The SPIFFE id of the server. */
  readonly server: string;
}

/** What a signer takes from its process. */
export interface SignerOptions {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

interface Kept {
  until: number;
  /** Undefined while it is being signed. */
  assertion: string | undefined;
  readonly signed: Promise<string>;
}

/**
 * Signs assertions, which tell the server of one connection on whose behalf calls are made. It signs with the key
 * of the certificate that the connection was made with: the server verified that certificate in the handshake, and
 * keeps it while the connection stands, also if the process has renewed its certificate since.
 */
export class AssertionSigner {
  readonly #connection: SecuredConnection;
  readonly #options: SignerOptions;
  /** By the principal as an object, which a call that is passed on shares with others of the same token. */
  readonly #known = new WeakMap<Principal, Kept>();
  /** By what the principal is, the one kept first at the front. */
  readonly #kept = new Map<string, Kept>();
  #key: KeyObject | undefined;
  #keyId = '';

  constructor(connection: SecuredConnection, options: SignerOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** The assertion of `principal`: a compact JWS. A promise while it is being signed. */
  assertionOf(principal: Principal): string | Promise<string> {
    const now = this.#options.clock.now();
    const known = this.#known.get(principal);
    if (known !== undefined && now < known.until) return known.assertion ?? known.signed;
    const kept = this.#keptFor(principal, now);
    this.#known.set(principal, kept);
    return kept.assertion ?? kept.signed;
  }

  #keptFor(principal: Principal, now: number): Kept {
    const { subject, issuer, scopes, actors, expireTime } = principal;
    const id = JSON.stringify([subject, issuer, scopes, actors, expireTime]);
    const found = this.#kept.get(id);
    if (found !== undefined && now < found.until) return found;
    this.#kept.delete(id);
    const [first] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && first !== undefined) this.#kept.delete(first);
    const signed = this.#sign(principal);
    const kept: Kept = { until: now + REUSE_MS, assertion: undefined, signed };
    this.#kept.set(id, kept);
    signed.then(
      (assertion) => {
        kept.assertion = assertion;
      },
      () => {
        // The next call signs anew.
        kept.until = 0;
        this.#kept.delete(id);
      },
    );
    return kept;
  }

  async #sign(principal: Principal): Promise<string> {
    const { certificate, server } = this.#connection;
    const { wallClock, random } = this.#options;
    // Loaded on demand: most processes sign nothing.
    const { SignJWT } = await import('jose');
    this.#key ??= createPrivateKey(certificate.key);
    if (this.#keyId === '') this.#keyId = new X509Certificate(certificate.cert).fingerprint256;
    const alg = algorithmOf(this.#key);
    if (alg === undefined) throw clientErrors.KEY_CANT_SIGN({ type: `${this.#key.asymmetricKeyType}` });
    const now = Math.floor(wallClock.now().getTime() / 1_000);
    const { id } = certificate;
    const assertion = await new SignJWT({ ...claimsOf(principal, id.uri) })
      .setProtectedHeader({ alg, typ: ASSERTION_TYPE, kid: this.#keyId })
      .setIssuer(id.uri)
      .setAudience(server)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .setJti(random.hex(16))
      .sign(this.#key);
    const { length: characters } = assertion;
    if (characters > MAX_ASSERTION_LENGTH)
      throw clientErrors.PRINCIPAL_TOO_LONG({ characters, most: MAX_ASSERTION_LENGTH });
    return assertion;
  }
}
