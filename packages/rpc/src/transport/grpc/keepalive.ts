import type { Http2Session } from 'node:http2';
import type { Clock, Timer } from '@rondo/base';
import { setSharedTimer } from './shared-timer.js';

/** The connection that {@link keepAlive} watches. */
export interface KeptAlive {
  readonly bytesRead: number;
  destroy(): void;
}

/** Options of {@link keepAlive}. */
export interface KeepaliveOptions {
  readonly clock: Clock;
  /** How long nothing may be received before the peer is pinged. It is read at each check. Milliseconds. */
  readonly intervalMs: () => number;
  /** How long the peer then has to send something before the connection is destroyed. Milliseconds. */
  readonly timeoutMs: number;
  /** How long the peer has before it counts as silent. Milliseconds; if missing, it never does. */
  readonly silentAfterMs?: number;
  /** Pings the peer; false if it can't be pinged now. */
  readonly ask: () => boolean;
  /** Called when the peer begins to count as silent, and when it is heard again. */
  readonly onSilence?: (silent: boolean) => void;
}

/** Pings the peer of a session; false if there is no session that can ping. */
export function pingPeer(session: Http2Session | undefined): boolean {
  if (session === undefined || session.closed || session.destroyed) return false;
  // If too many pings are unanswered already, one of those will do.
  session.ping(() => undefined);
  return true;
}

/** How many checks there are during the interval, and during each wait for an answer. */
const LOOKS = 4;

/**
 * Watches a connection whose peer may fall silent without closing it: its process is frozen or busy, or the network path is broken.
 * At first such a peer counts as silent. After the timeout its connection is destroyed. Returns a function that stops the watch.
 *
 * grpc-js's own keepalive can't be used. On a draining connection it can send no ping, concludes that the peer is lost, and ends
 * the calls in flight (https://github.com/grpc/grpc-node/issues/3068). It also blames the peer for delays of its own process.
 */
export function keepAlive(
  socket: KeptAlive,
  { clock, intervalMs, timeoutMs, silentAfterMs = timeoutMs, ask, onSilence }: KeepaliveOptions,
): () => void {
  const lookMs = silentAfterMs / LOOKS;
  let timer: Timer;
  let heard = socket.bytesRead;
  let heardAt = clock.now();
  let silent = false;
  const setSilent = (now: boolean) => {
    if (silent === now) return;
    silent = now;
    onSilence?.(now);
  };
  /** Whether something has come since the last check, `agoMs` ago: halfway between both, as far as is known. */
  const hears = (agoMs: number) => {
    if (socket.bytesRead === heard) return false;
    heard = socket.bytesRead;
    heardAt = clock.now() - agoMs / 2;
    return true;
  };
  const rest = () => {
    const stepMs = intervalMs() / LOOKS;
    timer = setSharedTimer(clock, { delayMs: stepMs, stepMs }, look);
  };
  const look = () => {
    const due = !hears(intervalMs() / LOOKS) && clock.now() - heardAt >= intervalMs();
    if (due && ask()) waitOn(0);
    else rest();
  };
  /**
   * Waits for an answer, `waitedMs` after the ping. A pause of this process, in which it sends and reads nothing, counts
   * as one check, whatever its length.
   */
  const waitOn = (waitedMs: number) => {
    timer = setSharedTimer(clock, { delayMs: lookMs, stepMs: lookMs / 10 }, () => {
      const limitMs = silent ? timeoutMs : silentAfterMs;
      if (socket.bytesRead !== heard) judge(waitedMs);
      else if (waitedMs + lookMs < limitMs) waitOn(waitedMs + lookMs);
      // Bytes that have arrived by now are read before the second timer runs.
      else timer = clock.setTimer(0, () => judge(waitedMs + lookMs), { keepAlive: false });
    });
  };
  const judge = (waitedMs: number) => {
    if (hears(lookMs)) {
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
