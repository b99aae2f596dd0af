import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import type { Reply, ServerCall } from '../call/call.js';
import { callerIdentity } from '../call/keyed-call.js';
import { callPrincipal } from '../call/principal.js';
import { ANY_CALLER, type AuthPolicy } from '../contract/auth-policy.js';
import type { Method } from '../contract/method.js';
import type { Middleware, Next } from '../middleware/middleware.js';
import { Status } from '../status/code.js';
import { packDetail } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import { isOfEveryServer } from '../tls/served-by.js';
import { parseSpiffeId } from '../tls/spiffe-id.js';

/**
 * Refuses the calls that the contract doesn't allow: of methods without `auth`, from processes that aren't in `callers`, and
 * for principals without the scopes. It needs neither the request nor the handler, and stands behind the middleware that sets
 * {@link callPrincipal}.
 *
 * @param rules who may call services whose contracts have no rule, by the services' full names.
 */
export function createAuthorize(rules: Readonly<Record<string, AuthPolicy>>): Middleware<ServerCall> {
  const ruleOf = new Map(Object.entries(rules));
  return (call, next) => check(call, call.method.policy.auth ?? ruleOf.get(call.method.service), next);
}

function check(call: ServerCall, auth: AuthPolicy | undefined, next: Next<ServerCall>): Promise<Reply> {
  const { method } = call;
  if (auth === 'public') return next(call);
  // Contracts of other projects can't say who may call.
  if (auth === undefined) return isOfEveryServer(method.service) ? next(call) : Promise.reject(withoutRule(method));
  const { scopes, callers } = auth;
  if (callers.length > 0 && !mayCall(call, callers)) return Promise.reject(notACaller(call, callers));
  if (scopes.length === 0) return next(call);
  const principal = call.values.get(callPrincipal);
  if (principal === undefined) return Promise.reject(unauthenticated(method, scopes));
  for (const scope of scopes) {
    if (!principal.scopes.includes(scope)) return Promise.reject(lacking(call, principal.subject, scope));
  }
  return next(call);
}

function mayCall({ values }: ServerCall, callers: readonly string[]): boolean {
  const identity = values.get(callerIdentity);
  if (identity === '') return false;
  // `callers` are the names of the trust domain, of which every verified identity is.
  return callers.includes(ANY_CALLER) || callers.some((name) => nameOf(identity) === name);
}

const names = new Map<string, string>();
/** A process has few callers; beyond so many, names are parsed anew. */
const MAX_NAMES = 1_000;

function nameOf(identity: string): string {
  const known = names.get(identity);
  if (known !== undefined) return known;
  const name = parseSpiffeId(identity)?.name ?? '';
  if (names.size >= MAX_NAMES) names.clear();
  names.set(identity, name);
  return name;
}

/** What a refusal tells programs. */
interface Refusal {
  readonly reason: 'AUTH_RULE_MISSING' | 'AUTH_CALLER_REFUSED' | 'AUTH_PRINCIPAL_MISSING' | 'AUTH_SCOPE_MISSING';
  readonly metadata: Readonly<Record<string, string>>;
}

const details = ({ path }: Method, { reason, metadata }: Refusal) => [
  packDetail(ErrorInfo, { reason, domain: 'rondo', metadata: { method: path, ...metadata } }),
];

function withoutRule(method: Method): RpcError {
  // @text <method> has no auth in its contract, so that no caller may call it while RONDO_AUTH=on; <remedy>
  // @cause Security is on, and the contract of the method doesn't say who may call it.
  // @remedy Give the method an `auth` in its contract: public, scopes or callers. The guide is docs/guides/authorise-calls.md.
  return new RpcError(
    Status.PERMISSION_DENIED,
    `${method.path} has no auth in its contract, so that no caller may call it while RONDO_AUTH=on; add auth { public, scopes or callers } to its (rondo.options.v1.method)`,
    { details: details(method, { reason: 'AUTH_RULE_MISSING', metadata: {} }) },
  );
}

function notACaller({ method, values }: ServerCall, callers: readonly string[]): RpcError {
  const identity = values.get(callerIdentity);
  const caller = identity === '' ? 'a caller without a certificate' : identity;
  const wanted = callers.includes(ANY_CALLER) ? 'a process of the trust domain' : callers.join(', ');
  // @text <caller> may not call <method>, which is for <callers>; <remedy>
  // @cause The process isn't among the `callers` of the method, or has no certificate.
  // @remedy Call with the certificate of a process that the text names, or add the process to `callers` in the contract.
  return new RpcError(
    Status.PERMISSION_DENIED,
    `${caller} may not call ${method.path}, which is for ${wanted}; call with a certificate of those, or add the process to callers in the contract`,
    {
      details: details(method, {
        reason: 'AUTH_CALLER_REFUSED',
        metadata: { caller: identity, callers: callers.join(' ') },
      }),
    },
  );
}

function unauthenticated(method: Method, scopes: readonly string[]): RpcError {
  const needed = scopes.join(' ');
  // @text <method> needs the scope <scopes>, and the call has no credentials; <remedy>
  // @cause The method is for people or programs with certain scopes, and the call came without credentials of one.
  // @remedy Send credentials, such as a token in `authorization`. A service passes those of its own caller on by itself, if it
  // calls with mutual TLS inside of the handler.
  // @effect none
  return new RpcError(
    Status.UNAUTHENTICATED,
    `${method.path} needs the scope ${needed}, and the call has no credentials; send those of a person or program that has it`,
    { details: details(method, { reason: 'AUTH_PRINCIPAL_MISSING', metadata: { scopes: needed } }) },
  );
}

function lacking({ method }: ServerCall, subject: string, scope: string): RpcError {
  // @text <subject> lacks the scope <scope>, which <method> needs; <remedy>
  // @cause The credentials of the call don't allow what the method does.
  // @remedy Ask the issuer for credentials with the scope that the text names.
  return new RpcError(
    Status.PERMISSION_DENIED,
    `${subject} lacks the scope ${scope}, which ${method.path} needs; get credentials with it`,
    { details: details(method, { reason: 'AUTH_SCOPE_MISSING', metadata: { subject, scope } }) },
  );
}
