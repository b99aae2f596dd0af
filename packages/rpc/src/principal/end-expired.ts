import { millisecondsUntil } from '@rondo/base';
import type { ServerCall } from '../call/call.js';
import { callPrincipal } from '../call/values.js';
import { serverErrors } from '../errors/server.js';
import type { Middleware } from '../middleware/middleware.js';
import type { RpcError } from '../status/rpc-error.js';
import type { VerifierOptions } from './verifier.js';

/**
 * Middleware that ends a stream when the credentials of its caller expire. Unary calls are left alone, because they
 * end soon. Place it after the middleware that sets {@link callPrincipal}.
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
