import type { X509Certificate } from 'node:crypto';
import type { Clock, WallClock } from '@rondo/base';
import type { Principal } from '../call/values.js';
import { spiffeIdOf } from '../tls/spiffe-id.js';
import {
  ASSERTION_TYPE,
  algorithmOf,
  LIFETIME_SECONDS,
  MAX_ASSERTION_LENGTH,
  principalOf,
  SKEW_SECONDS,
} from './claims.js';

/** The most verified assertions that are kept. */
const MAX_KEPT = 4_096;
/** The object identifier of extended key usage that processes have, and people's certificates don't. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** What an assertion was found to say. */
export interface Verified {
  readonly principal: Principal;
  /** By the monotonic clock. */
  readonly until: number;
}

/** An assertion, and the certificate of the connection that it came on. In frames, all calls with one assertion share this object. */
export interface ReceivedAssertion {
  readonly assertion: string;
  readonly certificate: X509Certificate;
  /** Set once it has been verified. */
  verified?: Verified;
}

/** What a verifier takes from its process. */
export interface VerifierOptions {
  /** The SPIFFE id of this process. */
  readonly audience: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/** The reason for which an assertion is refused. `otherKey`: the process signed it for another of its connections. */
export class AssertionRefused extends Error {
  readonly otherKey: boolean;

  constructor(reason: string, { otherKey = false } = {}) {
    super(reason);
    this.otherKey = otherKey;
  }
}

interface Kept extends Verified {
  readonly certificate: X509Certificate;
}

/**
 * Verifies assertions. An assertion is valid only on a connection of the process that signed it: it is verified
 * with the key of that connection's client certificate. Verified assertions are cached by their bytes.
 */
export class AssertionVerifier {
  readonly #options: VerifierOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** The principal of an assertion that was verified before on this connection and is still valid. */
  known(received: ReceivedAssertion): Principal | undefined {
    const { assertion, certificate, verified } = received;
    const now = this.#options.clock.now();
    if (verified !== undefined && now < verified.until) return verified.principal;
    const kept = this.#kept.get(assertion);
    if (kept === undefined || kept.certificate !== certificate) return undefined;
    if (now >= kept.until) this.#kept.delete(assertion);
    else received.verified = kept;
    return now < kept.until ? kept.principal : undefined;
  }

  /** @throws AssertionRefused that says why. */
  async verify(received: ReceivedAssertion): Promise<Principal> {
    const { assertion, certificate } = received;
    const { audience, wallClock } = this.#options;
    if (assertion.length > MAX_ASSERTION_LENGTH) throw new AssertionRefused('it is too long');
    const actor = spiffeIdOf(certificate)?.uri;
    const alg = algorithmOf(certificate.publicKey);
    if (actor === undefined || alg === undefined)
      throw new AssertionRefused("the certificate's key signs no assertions");
    // Node names extended key usages `keyUsage`. A certificate without any may be used for everything.
    if (certificate.keyUsage !== undefined && !certificate.keyUsage.includes(SERVER_AUTH)) {
      throw new AssertionRefused(`${actor} has the certificate of a person, who acts for no one else`);
    }
    const { decodeJwt, decodeProtectedHeader, errors, jwtVerify } = await import('jose');
    try {
      const { kid } = decodeProtectedHeader(assertion);
      const otherKey = typeof kid === 'string' && kid !== certificate.fingerprint256;
      if (otherKey && decodeJwt(assertion).iss === actor) {
        throw new AssertionRefused('it is signed with another key of its process', { otherKey: true });
      }
      const { payload } = await jwtVerify(assertion, certificate.publicKey, {
        algorithms: [alg],
        typ: ASSERTION_TYPE,
        issuer: actor,
        audience,
        clockTolerance: SKEW_SECONDS,
        maxTokenAge: LIFETIME_SECONDS,
        requiredClaims: ['exp', 'iat', 'jti'],
        currentDate: wallClock.now(),
      });
      const principal = principalOf(payload, actor);
      if (principal === undefined) throw new AssertionRefused('it lacks a claim, or has one that is not well formed');
      this.#keep(received, principal, payload.exp ?? 0);
      return principal;
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) throw new AssertionRefused(error.message);
      throw error;
    }
  }

  #keep(received: ReceivedAssertion, principal: Principal, expiresAt: number): void {
    const { assertion, certificate } = received;
    const { clock, wallClock } = this.#options;
    const leftMs = Math.min(expiresAt * 1_000 - wallClock.now().getTime(), LIFETIME_SECONDS * 1_000);
    const [first] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && first !== undefined) this.#kept.delete(first);
    const kept = { principal, certificate, until: clock.now() + leftMs };
    this.#kept.set(assertion, kept);
    received.verified = kept;
  }
}
