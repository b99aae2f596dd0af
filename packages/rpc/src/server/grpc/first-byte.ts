import type { Socket } from 'node:net';
import type { Clock } from '@rondo/base';

/** How long a client has to send its first byte. Milliseconds. */
const FIRST_BYTE_MS = 10_000;

/** Reads the first byte of a connection, and puts it back. Closes a connection whose client takes too long for it. */
export function readFirstByte(socket: Socket, clock: Clock, onByte: (first: number) => void): void {
  const timer = clock.setTimer(FIRST_BYTE_MS, () => socket.destroy(), { keepAlive: false });
  const stop = () => {
    timer.cancel();
    socket.off('readable', look).off('close', stop);
  };
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    stop();
    socket.unshift(bytes);
    onByte(bytes.readUInt8());
  };
  socket.on('readable', look).on('close', stop);
}
