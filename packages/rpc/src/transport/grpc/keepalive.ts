import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock/clock.js';

/** Options of {@link keepAlive}. */
export interface KeepaliveOptions {
  readonly clock: Clock;
  /** How long nothing may be received before the peer is pinged. It is read at each check. Milliseconds. */
  readonly intervalMs: () => number;
  /** How long the peer then has to send something before the connection is destroyed. Milliseconds. */
  readonly timeoutMs: number;
  /** How long it has before it counts as silent. Milliseconds; missing if it never does. */
  readonly silentAfterMs?: number;
  /** Pings the peer; false if it can't be pinged now. */
  readonly ask: () => boolean;
  /** Called when the peer begins to count as silent, and when it is heard again. */
  readonly onSilence?: (silent: boolean) => void;
}

/** How many checks there are during the interval, and during each wait for an answer. */
const LOOKS = 4;

/**
 * Watches a connection whose peer may fall silent without closing it: its process is frozen or busy, or the network path
 * is broken. At first such a peer counts as silent. After the timeout its connection is destroyed. Returns a function
 * that stops the watch.
 *
 * grpc-js's own keepalive can't be used. On a draining connection it takes a ping that it can't send any more for a
 * lost peer, and ends the calls that were to finish. It also takes delays of its own process for those of the peer.
 */
export function keepAlive(
  socket: Socket,
  { clock, intervalMs, timeoutMs, silentAfterMs = timeoutMs, ask, onSilence }: KeepaliveOptions,
): () => void {
  const lookMs = silentAfterMs / LOOKS;
  let timer: Timer;
  let heard = socket.bytesRead;
  let heardAt = clock.now();
  let silent = false;
  const schedule = (delayMs: number, next: () => void) => {
    timer = clock.setTimer(delayMs, next, { keepAlive: false });
  };
  const setSilent = (now: boolean) => {
    if (silent === now) return;
    silent = now;
    onSilence?.(now);
  };
  const hears = () => {
    if (socket.bytesRead === heard) return false;
    heard = socket.bytesRead;
    heardAt = clock.now();
    return true;
  };
  const rest = () => schedule(intervalMs() / LOOKS, look);
  const look = () => {
    const due = !hears() && clock.now() - heardAt >= intervalMs();
    if (due && ask()) waitOn(0);
    else rest();
  };
  /**
   * Waits for an answer, `waitedMs` after the ping. A pause of this process, in which it sends and reads nothing, counts
   * as one check, whatever its length.
   */
  const waitOn = (waitedMs: number) => {
    schedule(lookMs, () => {
      const limitMs = silent ? timeoutMs : silentAfterMs;
      if (waitedMs + lookMs < limitMs && socket.bytesRead === heard) waitOn(waitedMs + lookMs);
      // Bytes that have arrived by now are read before the second timer runs.
      else schedule(0, () => judge(waitedMs + lookMs));
    });
  };
  const judge = (waitedMs: number) => {
    if (hears()) {
      setSilent(false);
      rest();
    } else if (waitedMs >= timeoutMs) {
      socket.destroy();
    } else {
      setSilent(true);
      waitOn(waitedMs);
    }
  };
  rest();
  return () => timer.cancel();
}
