import type { KeyObject } from 'node:crypto';
import type { Principal } from '../call/values.js';

/** The type in an assertion's header: no other token is taken for one. */
export const ASSERTION_TYPE = 'rondo-principal+jwt';
/** How long an assertion is valid. Seconds. */
export const LIFETIME_SECONDS = 60;
/** By how much the clocks of two processes may differ. Seconds. */
export const SKEW_SECONDS = 30;
/** A longer assertion is refused. Characters. */
export const MAX_ASSERTION_LENGTH = 8 * 1024;
/** The longest chain of processes that pass a call on. */
const MAX_ACTORS = 16;
const MAX_SUBJECT_BYTES = 255;
const MAX_SCOPES = 256;
/** Control characters, halves of surrogate pairs and direction marks: a principal stands in logs and in the audit. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** The processes that pass a call on, the latest outermost. Source: https://www.rfc-editor.org/rfc/rfc8693#section-4.1 */
interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** What an assertion says of a principal, besides the registered claims of time, issuer and audience. */
export interface PrincipalClaims {
  readonly sub: string;
  /** Who has issued the credentials. `iss` is the process that signs. */
  readonly origin: string;
  /** When the credentials expire, in seconds since the Unix epoch, as `exp` of the assertion. */
  readonly origin_exp?: number;
  /** The scopes, separated by spaces, as in RFC 8693. */
  readonly scope: string;
  readonly act: Actor;
}

/** The claims of a principal on whose behalf the process `actor` calls. */
export function claimsOf(principal: Principal, actor: string): PrincipalClaims {
  const { subject, issuer, scopes, actors, expireTime } = principal;
  const before = actors.reduceRight<Actor | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  );
  return {
    sub: subject,
    origin: issuer,
    ...(expireTime && { origin_exp: Math.floor(expireTime.getTime() / 1_000) }),
    scope: scopes.join(' '),
    act: { sub: actor, ...(before && { act: before }) },
  };
}

/** The principal of verified claims. Undefined if they aren't those of an assertion that the process `actor` has signed. */
export function principalOf(claims: Readonly<Record<string, unknown>>, actor: string): Principal | undefined {
  const { sub, origin, origin_exp: expiresAt, scope } = claims;
  if (typeof sub !== 'string' || sub === '' || UNPRINTABLE.test(sub) || Buffer.byteLength(sub) > MAX_SUBJECT_BYTES)
    return undefined;
  if (typeof origin !== 'string' || typeof scope !== 'string' || UNPRINTABLE.test(origin + scope)) return undefined;
  if (expiresAt !== undefined && !isSeconds(expiresAt)) return undefined;
  const scopes = scope === '' ? [] : scope.split(' ');
  const actors = actorsOf(claims['act']);
  if (scopes.length > MAX_SCOPES || actors === undefined || actors[0] !== actor) return undefined;
  const principal = { subject: sub, issuer: origin, scopes, actors };
  return expiresAt === undefined ? principal : { ...principal, expireTime: new Date(expiresAt * 1_000) };
}

/** The times that a `Date` can tell. */
const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && Math.abs(value) <= 8.64e12;

function actorsOf(act: unknown): readonly string[] | undefined {
  const actors: string[] = [];
  for (let next: unknown = act; next !== undefined; ) {
    if (typeof next !== 'object' || next === null || actors.length >= MAX_ACTORS) return undefined;
    const { sub, act: before } = next as Readonly<Record<string, unknown>>;
    if (typeof sub !== 'string' || UNPRINTABLE.test(sub)) return undefined;
    actors.push(sub);
    next = before;
  }
  return actors;
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/**
 * The one algorithm by which a key signs and verifies assertions; undefined for a type of key without one. The
 * assertion's own header never chooses it.
 */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  switch (asymmetricKeyType) {
    case 'ec':
      return CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
    case 'rsa':
      return 'RS256';
    case 'ed25519':
      return 'EdDSA';
    default:
      return undefined;
  }
}
