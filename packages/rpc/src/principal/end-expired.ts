import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import type { ServerCall } from '../call/call.js';
import { callPrincipal } from '../call/principal.js';
import { millisecondsUntil } from '../clock/system.js';
import type { Middleware } from '../middleware/middleware.js';
import { Status } from '../status/code.js';
import { packDetail } from '../status/detail.js';
import { RpcError } from '../status/rpc-error.js';
import type { VerifierOptions } from './verifier.js';

/**
 * Ends streams when the credentials expire with which they began. A unary call soon ends by itself. It stands behind the middleware
 * that sets {@link callPrincipal}.
 */
export function endExpiredStreams({
  clock,
  wallClock,
}: Pick<VerifierOptions, 'clock' | 'wallClock'>): Middleware<ServerCall> {
  return (call, next) => {
    const { method, context, values } = call;
    const expireTime = values.get(callPrincipal)?.expireTime;
    if (expireTime !== undefined && (method.requestStream || method.responseStream)) {
      context.endAfter(millisecondsUntil(expireTime, wallClock), clock, () => expired(call));
    }
    return next(call);
  };
}

function expired({ method, values }: ServerCall): RpcError {
  const { subject = '', expireTime } = values.get(callPrincipal) ?? {};
  const metadata = { method: method.path, subject };
  const details = [packDetail(ErrorInfo, { reason: 'AUTH_CREDENTIALS_EXPIRED', domain: 'rondo', metadata })];
  // @text the credentials of <subject> expired at <time>; <remedy>
  // @cause A stream has outlived the token or API key with which it began.
  // @remedy Get new credentials and call again. A watch goes on after its last resume token.
  // @effect possible
  return new RpcError(
    Status.UNAUTHENTICATED,
    `the credentials of ${subject} expired at ${expireTime?.toISOString()}; get new ones and call again, a watch with its last resume token`,
    { details },
  );
}
