import type { ServerCall } from '../call/call.js';
import { callPrincipal } from '../call/principal.js';
import { millisecondsUntil } from '../clock/system.js';
import { serverErrors } from '../errors/server.js';
import type { Middleware } from '../middleware/middleware.js';
import type { RpcError } from '../status/rpc-error.js';
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
  return serverErrors.AUTH_CREDENTIALS_EXPIRED(
    { subject, time: `${expireTime?.toISOString()}` },
    { info: { method: method.path, subject } },
  );
}
