import type { Duplex } from 'node:stream';
import { ConnectRequest } from '@rondo/contracts/rondo/tunnel/v1/tunnel';

/** A message to a server: frames, or any bytes. */
export type Sent = Parameters<typeof ConnectRequest.fromPartial>[0] | Buffer;

export const toBytes = (sent: Sent): Buffer =>
  Buffer.isBuffer(sent) ? sent : Buffer.from(ConnectRequest.encode(ConnectRequest.fromPartial(sent)).finish());

/** A tunnel over the stream of a plain client. It begins with `first`; a test writes its messages. */
export function tunnelOver<S extends Pick<Duplex, 'write'> & NodeJS.EventEmitter>(
  stream: S,
  first: Sent = { hello: { version: 1 } },
) {
  stream.on('error', () => undefined);
  const ended = new Promise<{ readonly code: number; readonly details: string }>((resolve) => {
    stream.on('status', resolve);
  });
  const send = (sent: Sent) => void stream.write(toBytes(sent));
  send(first);
  return { stream, ended, send };
}
