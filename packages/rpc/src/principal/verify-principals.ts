import type { ServerCall } from '../call/call.js';
import { type ContextKey, callerIdentity, callPrincipal, createContextKey } from '../call/values.js';
import { serverErrors } from '../errors/server.js';
import type { Middleware } from '../middleware/middleware.js';
import type { RpcError } from '../status/rpc-error.js';
import { isOperatorId } from '../tls/spiffe-id.js';
import { AssertionRefused, AssertionVerifier, type ReceivedAssertion, type VerifierOptions } from './verifier.js';

/** The assertion of a received call, if its connection has mutual TLS. */
export const receivedAssertion: ContextKey<ReceivedAssertion | undefined> = createContextKey<
  ReceivedAssertion | undefined
>(undefined, { description: 'received assertion' });

/** Sets {@link callPrincipal} of calls that other processes make on behalf of a principal. An invalid assertion ends its call. */
export function verifyPrincipals(options: VerifierOptions): Middleware<ServerCall> {
  const verifier = new AssertionVerifier(options);
  return (call, next) => {
    const received = call.values.get(receivedAssertion);
    if (received === undefined) return next(call);
    const known = verifier.known(received);
    if (known !== undefined) {
      call.values.set(callPrincipal, known);
      return next(call);
    }
    return verifier.verify(received).then(
      (principal) => {
        call.values.set(callPrincipal, principal);
        return next(call);
      },
      (cause) => Promise.reject(cause instanceof AssertionRefused ? refused(call, cause) : cause),
    );
  };
}

function refused({ method, values }: ServerCall, cause: AssertionRefused): RpcError {
  const caller = values.get(callerIdentity);
  if (cause.otherKey) return serverErrors.ASSERTION_KEY_CHANGED({ caller });
  return serverErrors.AUTH_ASSERTION_INVALID(
    { process: caller, reason: cause.message },
    { info: { method: method.path, caller }, cause },
  );
}

/** The process that operators call by the console, and the scope that it asks them for. */
const [GATEWAY, SCOPE] = [/^spiffe:\/\/[^/]+\/gateway$/, 'rondo.operator'];

/**
 * Whether the caller is a person or an operator, or the gateway with a verified word on behalf of one. A caller without a certificate
 * passes, because a system without TLS can't tell.
 */
export function mayOperate({ values }: Pick<ServerCall, 'values'>): boolean {
  const identity = values.get(callerIdentity);
  if (identity === '' || isOperatorId(identity)) return true;
  return GATEWAY.test(identity) && values.get(callPrincipal)?.scopes.includes(SCOPE) === true;
}
