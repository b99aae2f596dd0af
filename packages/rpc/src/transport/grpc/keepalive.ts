import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock.js';

/** Options of {@link keepAlive}. */
export interface KeepaliveOptions {
  readonly clock: Clock;
  /** How long the connection may be silent before the peer is pinged. Milliseconds. */
  readonly intervalMs: number;
  /** How long the peer then has to send something. Milliseconds. */
  readonly timeoutMs: number;
  /** Pings the peer; false if it can't be pinged now. */
  readonly ask: () => boolean;
}

/** How many checks there are during the interval, and during the wait for an answer. */
const LOOKS = 4;

/**
 * Destroys a connection whose peer has fallen silent without closing it: its process is frozen, or the network path is
 * broken. Returns a function that stops the watch.
 *
 * grpc-js's own keepalive can't be used. On a draining connection it takes a ping that it can't send any more for a
 * lost peer, and ends the calls that were to finish. It also takes delays of its own process for those of the peer.
 */
export function keepAlive(socket: Socket, { clock, intervalMs, timeoutMs, ask }: KeepaliveOptions): () => void {
  let timer: Timer;
  let heard = socket.bytesRead;
  let heardAt = clock.now();
  const schedule = (delayMs: number, next: () => void) => {
    timer = clock.setTimer(delayMs, next, { keepAlive: false });
  };
  const hears = () => {
    if (socket.bytesRead === heard) return false;
    heard = socket.bytesRead;
    heardAt = clock.now();
    return true;
  };
  const look = () => {
    const isSilent = !hears() && clock.now() - heardAt >= intervalMs;
    if (isSilent && ask()) waitFor(LOOKS);
    else schedule(intervalMs / LOOKS, look);
  };
  /**
   * Waits for an answer, for `looks` more checks. A pause of this process, in which it sends and reads nothing, costs
   * one check and not the whole wait.
   */
  const waitFor = (looks: number) => {
    schedule(timeoutMs / LOOKS, () => {
      if (hears()) schedule(intervalMs / LOOKS, look);
      else if (looks > 1) waitFor(looks - 1);
      // Bytes that have arrived by now are read before the second timer runs.
      else schedule(0, judge);
    });
  };
  const judge = () => {
    if (hears()) schedule(intervalMs / LOOKS, look);
    else socket.destroy();
  };
  schedule(intervalMs / LOOKS, look);
  return () => timer.cancel();
}
