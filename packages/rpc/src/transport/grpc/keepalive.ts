import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/index.js';

/** What a connection is watched with. */
export interface KeepaliveOptions {
  readonly clock: Clock;
  /** How long nothing may be heard before it is asked whether it lives. Milliseconds. */
  readonly intervalMs: number;
  /** How long it has to make itself heard then. Milliseconds. */
  readonly timeoutMs: number;
  /** Makes the other end send something; false if it can't be asked now. */
  readonly ask: () => boolean;
}

/** How many looks there are in the interval, and while an answer is waited for. */
const LOOKS = 4;

/**
 * Ends a connection whose other end has fallen silent without closing it: its process is frozen, or the way to it is
 * gone. Gives what ends the watch.
 *
 * grpc-js's own keepalive won't do: on a connection that is draining it takes the ping that it can't send any more for
 * the end, and with it go the calls that were still to finish; and it takes its own process's delays for the peer's.
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
   * Waits for an answer, by as many looks more. A standstill of this process, in which it sends and reads nothing, costs
   * one of them and not the whole wait.
   */
  const waitFor = (looks: number) => {
    schedule(timeoutMs / LOOKS, () => {
      if (hears()) schedule(intervalMs / LOOKS, look);
      else if (looks > 1) waitFor(looks - 1);
      // What arrived just now is read before the second timer runs.
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
