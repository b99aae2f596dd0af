import type { Metadata, ServerCall } from '../../src/exports/call.js';
import type { Middleware } from '../../src/exports/middleware.js';
import type { ConformanceClient } from './service.js';

/** Whether a received call came through a tunnel: only a call of its own has HTTP's headers. */
export const isTunnelled = (metadata: Metadata): boolean => !metadata.has('user-agent');

/** Tells callers in the trailer how their calls came. */
export const tellWay: Middleware<ServerCall> = (call, next) => {
  call.trailer.set('way', isTunnelled(call.metadata) ? 'tunnel' : 'grpc');
  return next(call);
};

/** Makes calls to a server with {@link tellWay} until one goes through a tunnel. */
export async function openTunnel(client: Pick<ConformanceClient, 'unary'>): Promise<void> {
  let way: string | undefined;
  const onTrailer = (trailer: Metadata) => {
    way = trailer.get('way');
  };
  while (way !== 'tunnel') await client.unary({}, { onTrailer });
}
