import { credentialErrors } from '../errors.js';

/** Credentials with more scopes are refused: each call carries them. */
const MAX_SCOPES = 256;
/** The most characters of all scopes, with a space between two. Each call sends them in an assertion, which has at most 8 KiB. */
const MAX_SCOPES_LENGTH = 4 * 1024;
/** A scope as RFC 6749 has it, section 3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;

/**
 * The scopes in a token: the words of `scope` (RFC 9068), or those of `scp`, a text or a list. If `claim` is given, only that claim
 * is read: its name, or a path such as `realm_access.roles`. Values that aren't valid scopes are left out.
 *
 * @throws RpcError `UNAUTHENTICATED` for more than 256 scopes, or 4,096 characters of them.
 */
export function scopesOf(claims: Readonly<Record<string, unknown>>, claim?: string): readonly string[] {
  const value = claim === undefined ? (own(claims, 'scope') ?? own(claims, 'scp')) : atPath(claims, claim);
  const words: readonly unknown[] = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [];
  const scopes = [...new Set(words.filter(isScope))];
  if (scopes.length > MAX_SCOPES)
    throw credentialErrors.REFUSED({ reason: `the token has more than ${MAX_SCOPES} scopes` });
  if (!fits(scopes))
    throw credentialErrors.REFUSED({ reason: `the token's scopes have more than ${MAX_SCOPES_LENGTH} characters` });
  return scopes;
}

/** Whether a value is a list of scopes of which each call can carry all. */
export function isScopeList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isScope) && value.length <= MAX_SCOPES && fits(value);
}

const fits = (scopes: readonly string[]): boolean => scopes.join(' ').length <= MAX_SCOPES_LENGTH;

export function isScope(value: unknown): value is string {
  return typeof value === 'string' && SCOPE.test(value);
}

/** A claim's name may itself have dots, as `https://example.com/roles` has. */
function atPath(claims: unknown, path: string): unknown {
  const whole = own(claims, path);
  if (whole !== undefined || !path.includes('.')) return whole;
  return path.split('.').reduce(own, claims);
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}
