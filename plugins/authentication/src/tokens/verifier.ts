import type { Principal } from '@rondo/rpc/call';
import { RpcError } from '@rondo/rpc/status';
import type { TokensPlugin } from '@rondo/service';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { credentialErrors } from '../errors.js';
import { KeySet } from './key-set.js';
import { type Issuer, keySource } from './key-source.js';
import { scopesOf } from './scopes.js';

type Options = Parameters<TokensPlugin['open']>[0];
type TokenRules = NonNullable<Options['tokens']>;

/** What a verifier needs of its process. */
export type TokenSurroundings = Pick<Options, 'clock' | 'wallClock' | 'log'>;

/** Verifies a token. @throws RpcError `UNAUTHENTICATED`, or `UNAVAILABLE` if the issuer's keys can't be fetched. */
export type VerifyToken = (token: string) => Promise<Principal>;

/** Only signatures by a private key: with an HMAC, each verifier could also sign. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
/** The accepted difference between the clocks of the issuer and this machine. Seconds. */
const CLOCK_SKEW_S = 60;
/** The latest time that a `Date` can tell. Seconds. */
const LATEST_S = 8.64e12;
/** `typ` of tokens for access. Other kinds, such as logout tokens, are no credentials (RFC 8725, section 3.11). */
const TYPES: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt']);
/** A subject is in logs and in the metadata of calls. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;
/** Verified tokens that are remembered. */
const MAX_REMEMBERED = 1_000;

interface Remembered {
  readonly principal: Principal & { readonly expireTime: Date };
  readonly keys: KeySet;
  readonly revision: number;
}

/**
 * Creates what verifies tokens: JWTs that an issuer has signed with one of its published keys. A verified token is
 * remembered until it expires or its issuer's keys are read again.
 *
 * Sources: https://www.rfc-editor.org/rfc/rfc9068 and https://www.rfc-editor.org/rfc/rfc8725
 */
export function createTokenVerifier(rules: TokenRules, { clock, wallClock, log }: TokenSurroundings): VerifyToken {
  const keySets = new Map(
    rules.issuers.map((issuer) => {
      const read = keySource(issuer, clock);
      return [issuer.name, new KeySet({ issuer: issuer.name, read, clock, log })];
    }),
  );
  const remembered = new Map<string, Remembered>();
  return async (token) => {
    const now = wallClock.now();
    const known = remembered.get(token);
    if (known !== undefined) {
      if (known.keys.holds(known.revision) && now < known.principal.expireTime) return known.principal;
      remembered.delete(token);
    }
    const issuer = issuerOf(token);
    const keys = keySets.get(issuer);
    if (keys === undefined)
      throw credentialErrors.REFUSED({ reason: 'the issuer of the token is not one that is trusted here' });
    const payload = await verify(token, { keys, issuer, audience: rules.audience, now });
    const subject = subjectOf(payload, { issuer, issuers: rules.issuers });
    const principal = {
      subject,
      issuer,
      scopes: scopesOf(payload, rules.scopesClaim),
      actors: [],
      expireTime: endOf(payload),
    };
    remembered.set(token, { principal, keys, revision: keys.revision });
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return principal;
  };
}

/** The issuer that a token names. It isn't verified yet: it only says whose keys to try. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch (cause) {
    throw credentialErrors.REFUSED({ reason: 'the token is not a signed JWT' }, { cause });
  }
}

interface VerifyOptions {
  readonly keys: KeySet;
  readonly issuer: string;
  readonly audience: string;
  readonly now: Date;
}

async function verify(token: string, { keys, issuer, audience, now }: VerifyOptions): Promise<JWTPayload> {
  const options = {
    issuer,
    audience,
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_SKEW_S,
    currentDate: now,
    requiredClaims: ['exp', 'sub'],
  };
  const once = () => jwtVerify(token, keys.find, options);
  try {
    // An issuer may have another key by the same id, or give its keys no ids.
    const { payload, protectedHeader } = await once().catch(async (error: unknown) => {
      if (error instanceof errors.JWSSignatureVerificationFailed && (await keys.renew())) return once();
      throw error;
    });
    const { typ } = protectedHeader;
    if (typ !== undefined && !TYPES.has(typ.toLowerCase()))
      throw credentialErrors.REFUSED({ reason: 'the token is not one for access' });
    return payload;
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw credentialErrors.REFUSED({ reason: reasonOf(error, audience) }, { cause: error });
  }
}

/** What is wrong with a token, without a word of the token itself. */
function reasonOf(error: unknown, audience: string): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return `the token is not for the audience ${audience}`;
    if (error.claim === 'nbf' && error.reason === 'check_failed') return 'the token is not valid yet';
    return `the claim ${error.claim} of the token is missing or wrong`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return `the token's algorithm is not one of ${ALGORITHMS.join(', ')}`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'the issuer has no such key';
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'the token does not say by which key it is signed';
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'the signature of the token is not that of its issuer';
  return 'the token is malformed';
}

interface Issued {
  readonly issuer: string;
  readonly issuers: readonly Issuer[];
}

/**
 * The name of a person or program, by which resources belong to it. It is `sub` for the first issuer; any other issuer may give the
 * same `sub` to somebody else, so the issuer is a part of the name.
 */
function subjectOf({ sub }: JWTPayload, { issuer, issuers: [first, ...others] }: Issued): string {
  const subject = issuer === first?.name ? sub : `${issuer}#${sub}`;
  if (typeof sub !== 'string' || subject === undefined || !SUBJECT.test(sub) || !SUBJECT.test(subject)) {
    throw credentialErrors.REFUSED({
      reason: 'the claim sub of the token is not 1 to 255 printable characters of ASCII',
    });
  }
  if (subject === sub && others.some(({ name }) => sub.startsWith(`${name}#`)))
    throw credentialErrors.REFUSED({ reason: 'the claim sub of the token begins with the name of another issuer' });
  return subject;
}

const endOf = ({ exp = 0 }: JWTPayload): Date => new Date(Math.min(exp + CLOCK_SKEW_S, LATEST_S) * 1_000);
