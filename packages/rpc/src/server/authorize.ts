import type { ServerCall } from '../call/call.js';
import { callerIdentity, callPrincipal, createContextKey } from '../call/values.js';
import { ANY_CALLER, type AuthPolicy } from '../contract/auth-policy.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import type { Middleware } from '../middleware/middleware.js';
import type { RpcError } from '../status/rpc-error.js';
import { isOfEveryServer } from '../tls/served-by.js';
import { parseSpiffeId } from '../tls/spiffe-id.js';

/**
 * Refuses the calls that the contract doesn't allow: of methods without `auth`, from processes that aren't in
 * `callers`, and for principals without the scopes. It needs neither the request nor the handler. Place it after
 * the middleware that sets {@link callPrincipal}.
 *
 * @param rules who may call services whose contracts have no rule, by the services' full names.
 */
export function createAuthorize(rules: Readonly<Record<string, AuthPolicy>>): Middleware<ServerCall> {
  const ruleOf = new Map(Object.entries(rules));
  const refuse = (call: ServerCall, method: Method) =>
    refusal(call, method, method.policy.auth ?? ruleOf.get(method.service));
  return (call, next) => {
    // Services that every server has may stand for others, whose rules they ask for.
    if (isOfEveryServer(call.method.service)) call.values.set(refusalKey, (method) => refuse(call, method));
    const refused = refuse(call, call.method);
    return refused === undefined ? next(call) : Promise.reject(refused);
  };
}

const refusalKey = createContextKey<(method: Method) => RpcError | undefined>(() => undefined, {
  description: 'refusal',
});

/** Why the caller of a service that every server has, such as of operations, may not call `method`; undefined if it may. */
export const refusalOf = ({ values }: Pick<ServerCall, 'values'>, method: Method): RpcError | undefined =>
  values.get(refusalKey)(method);

function refusal(call: ServerCall, method: Method, auth: AuthPolicy | undefined): RpcError | undefined {
  if (auth === 'public') return undefined;
  // Contracts of other projects can't say who may call.
  if (auth === undefined)
    return isOfEveryServer(method.service) ? undefined : serverErrors.AUTH_RULE_MISSING({ method: method.path });
  const { scopes, callers } = auth;
  if (callers.length > 0 && !mayCall(call, callers)) return notACaller(call, method, callers);
  if (scopes.length === 0) return undefined;
  const principal = call.values.get(callPrincipal);
  if (principal === undefined)
    return serverErrors.AUTH_PRINCIPAL_MISSING({ method: method.path, scopes: scopes.join(' ') });
  const { subject } = principal;
  const scope = scopes.find((one) => !principal.scopes.includes(one));
  return scope === undefined ? undefined : serverErrors.AUTH_SCOPE_MISSING({ method: method.path, subject, scope });
}

function mayCall({ values }: ServerCall, callers: readonly string[]): boolean {
  const identity = values.get(callerIdentity);
  if (identity === '') return false;
  // `callers` are the names of the trust domain, of which every verified identity is.
  return callers.includes(ANY_CALLER) || callers.some((name) => nameOf(identity) === name);
}

const names = new Map<string, string>();
/** The most names that are remembered; a process has few callers. */
const MAX_NAMES = 1_000;

function nameOf(identity: string): string {
  const known = names.get(identity);
  if (known !== undefined) return known;
  const name = parseSpiffeId(identity)?.name ?? '';
  if (names.size >= MAX_NAMES) names.clear();
  names.set(identity, name);
  return name;
}

function notACaller({ values }: ServerCall, method: Method, callers: readonly string[]): RpcError {
  const identity = values.get(callerIdentity);
  const caller = identity === '' ? 'a caller without a certificate' : identity;
  const wanted = callers.includes(ANY_CALLER) ? 'a process of the trust domain' : callers.join(', ');
  return serverErrors.AUTH_CALLER_REFUSED(
    { caller, method: method.path, callers: wanted },
    { info: { method: method.path, caller: identity, callers: callers.join(' ') } },
  );
}
