import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import type { ServerCall } from '../call/call.js';
import { type ContextKey, createContextKey } from '../call/context-values.js';
import { callerIdentity } from '../call/keyed-call.js';
import { callPrincipal } from '../call/principal.js';
import type { Middleware } from '../middleware/middleware.js';
import { CallRefused } from '../server/faults.js';
import { Status } from '../status/code.js';
import { packDetail } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
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
  if (cause.otherKey) {
    // @cause The certificate of the calling process changed while its connection was made anew, and the call was signed before.
    // @remedy None: the client makes the call again, and signs it anew.
    return new CallRefused(Status.UNAVAILABLE, `${caller} has signed the call with another key; make it again`);
  }
  const text = `the assertion of ${caller} about its caller is refused: ${cause.message}`;
  const metadata = { method: method.path, caller };
  const details = [packDetail(ErrorInfo, { reason: 'AUTH_ASSERTION_INVALID', domain: 'rondo', metadata })];
  // @text the assertion of <process> about its caller is refused: <reason>
  // @cause The process says on whose behalf it calls, and what it says can't be verified: it was signed by another process, for
  // another one, or too long ago.
  // @remedy Compare the clocks of the two machines. Don't copy the metadata `rondo-principal` from one call to another: Rondo's
  // clients write it.
  // @effect none
  return new RpcError(Status.UNAUTHENTICATED, text, { details, cause });
}
