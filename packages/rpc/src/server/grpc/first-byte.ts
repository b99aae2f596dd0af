import type { Socket } from 'node:net';
import type { Clock } from '../../clock/clock.js';

/** How long a client has to send its first byte. Milliseconds. */
const FIRST_BYTE_MS = 10_000;

/**
 * Reads the first byte of a connection, and puts it back. `undefined` if the connection ends before that, or its client
 * takes too long.
 */
export function readFirstByte(socket: Socket, clock: Clock, onByte: (first: number | undefined) => void): void {
  const timer = clock.setTimer(FIRST_BYTE_MS, () => socket.destroy(), { keepAlive: false });
  const settle = (first: number | undefined) => {
    timer.cancel();
    socket.off('readable', look).off('end', drop).off('close', drop).off('error', drop);
    onByte(first);
  };
  const drop = () => {
    socket.destroy();
    settle(undefined);
  };
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    socket.unshift(bytes);
    settle(bytes[0]);
  };
  socket.on('readable', look).on('end', drop).on('close', drop).on('error', drop);
}
