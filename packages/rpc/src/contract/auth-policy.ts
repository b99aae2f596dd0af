import type { Auth } from '@rondo/contracts/rondo/options/v1/options';

/** Who may call a method while security is on: every caller, or those that meet each given condition. */
export type AuthPolicy = 'public' | AuthRequirements;

/** What a call must have. */
export interface AuthRequirements {
  /** The scopes that the principal needs, all of them. Empty: no principal is needed. */
  readonly scopes: readonly string[];
  /** The names of the processes that may call; {@link ANY_CALLER} stands for each process with a certificate. Empty: any caller. */
  readonly callers: readonly string[];
}

/** Stands in `callers` for every process of the trust domain. */
export const ANY_CALLER = '*';

const MAX_SCOPES = 16;
const MAX_CALLERS = 64;
/** A part of the scopes that RFC 6749, section 3.3, allows. */
const SCOPE = /^[a-z0-9][a-z0-9._:/-]{0,63}$/;
/** The path of a SPIFFE id. */
const CALLER = /^(?:\*|[\w.-]+(?:\/[\w.-]+)*)$/;

/** The policy that a contract declares. */
export function authOf({ public: isPublic, scopes, callers }: Auth): AuthPolicy {
  return isPublic ? 'public' : { scopes, callers };
}

/** What is wrong with the option, as the end of a sentence; undefined if nothing is. */
export function checkAuth({ public: isPublic, scopes, callers }: Auth): string | undefined {
  const given = scopes.length + callers.length;
  if (isPublic && given > 0)
    return '.public is for every caller, and scopes or callers are given too; leave one of them out';
  if (!isPublic && given === 0) return ' is empty; give public, scopes or callers';
  if (scopes.length > MAX_SCOPES) return `.scopes has ${scopes.length}; ${MAX_SCOPES} are the most`;
  if (callers.length > MAX_CALLERS) return `.callers has ${callers.length}; ${MAX_CALLERS} are the most`;
  const scope = scopes.find((text) => !SCOPE.test(text));
  if (scope !== undefined) return `.scopes has "${scope}"; a scope has 1 to 64 characters of a-z 0-9 . _ : / -`;
  const caller = callers.find((text) => !CALLER.test(text));
  if (caller !== undefined)
    return `.callers has "${caller}"; name a process as its certificate does, such as shop, or *`;
  if (callers.includes(ANY_CALLER) && callers.length > 1) return '.callers has * and names; leave one of them out';
  const twice = repeated(scopes) ?? repeated(callers);
  return twice === undefined ? undefined : ` names "${twice}" twice`;
}

const repeated = (list: readonly string[]): string | undefined =>
  list.find((text, index) => list.indexOf(text) !== index);

/** A rule in words: `public`, `scope sales.read`, `callers gateway, sales`; `no caller` without a rule. */
export function authText(policy: AuthPolicy | undefined): string {
  if (policy === undefined) return 'no caller';
  if (policy === 'public') return 'public';
  const { scopes, callers } = policy;
  const parts = [
    ...(scopes.length === 0 ? [] : [`${scopes.length === 1 ? 'scope' : 'scopes'} ${scopes.join(', ')}`]),
    ...(callers.length === 0 ? [] : [callers.includes(ANY_CALLER) ? 'any process' : `from ${callers.join(', ')}`]),
  ];
  return parts.join(', ');
}
