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

/** Checks of all connections are due at multiples of this part of an interval, so that they share their timers. */
const STEPS = 4;

/** The watch that {@link keepAlive} begins. */
export interface Keepalive {
  /** The interval may have become shorter: the next check is due by then. */
  hurry(): void;
  stop(): void;
}

/**
 * Watches a connection whose peer may fall silent without closing it: its process is frozen or busy, or the network path is broken.
 * At first such a peer counts as silent. After the timeout its connection is destroyed.
 *
 * grpc-js's own keepalive can't be used. On a draining connection it can send no ping, concludes that the peer is lost, and ends
 * the calls in flight (https://github.com/grpc/grpc-node/issues/3068). It also blames the peer for delays of its own process.
 */
export function keepAlive(
  socket: KeptAlive,
  { clock, intervalMs, timeoutMs, silentAfterMs = timeoutMs, ask, onSilence }: KeepaliveOptions,
): Keepalive {
  const lookMs = silentAfterMs / STEPS;
  let timer: Timer;
  let nextLookAt = 0;
  let heard = socket.bytesRead;
  let lookedAt = clock.now();
  let heardAt = lookedAt;
  let silent = false;
  const setSilent = (now: boolean) => {
    if (silent === now) return;
    silent = now;
    onSilence?.(now);
  };
  /** Whether something has come since the last check: right after it, as far as is known. */
  const hears = () => {
    const hasHeard = socket.bytesRead !== heard;
    if (hasHeard) heardAt = lookedAt;
    heard = socket.bytesRead;
    lookedAt = clock.now();
    return hasHeard;
  };
  /** Waits until the peer may have been silent for the interval. */
  const rest = () => {
    const stepMs = intervalMs() / STEPS;
    const delayMs = Math.max(stepMs, heardAt + intervalMs() - clock.now());
    nextLookAt = clock.now() + delayMs;
    timer = setSharedTimer(clock, { delayMs, stepMs }, look);
  };
  const look = () => {
    const due = !hears() && lookedAt - heardAt >= intervalMs();
    if (due && ask()) waitOn(0);
    else rest();
  };
  /**
   * Waits for an answer, `waitedMs` after the ping. A pause of this process, in which it sends and reads nothing, counts
   * as one check, whatever its length.
   */
  const waitOn = (waitedMs: number) => {
    nextLookAt = 0;
    timer = setSharedTimer(clock, { delayMs: lookMs, stepMs: lookMs / 10 }, () => {
      const limitMs = silent ? timeoutMs : silentAfterMs;
      if (hears()) hasAnswered();
      else if (waitedMs + lookMs < limitMs) waitOn(waitedMs + lookMs);
      // Bytes that have arrived by now are read before the second timer runs.
      else timer = clock.setTimer(0, () => (hears() ? hasAnswered() : blame(waitedMs + lookMs)), { keepAlive: false });
    });
  };
  const hasAnswered = () => {
    setSilent(false);
    rest();
  };
  const blame = (waitedMs: number) => {
    if (waitedMs >= timeoutMs) {
      socket.destroy();
    } else {
      setSilent(true);
      waitOn(waitedMs);
    }
  };
  rest();
  return {
    hurry() {
      if (nextLookAt <= clock.now() + intervalMs()) return;
      timer.cancel();
      rest();
    },
    stop: () => timer.cancel(),
  };
}
