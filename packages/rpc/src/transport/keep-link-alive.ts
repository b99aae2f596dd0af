import type { ActiveCalls } from './grpc/active-calls.js';
import { type KeptAlive, keepAlive } from './grpc/keepalive.js';
import { peerPings } from './grpc/options.js';
import type { LinkOptions } from './link.js';

/** Watches a link, and ends it when its peer is silent for long, as ADR 0005 says. Returns a function that stops the watch. */
export function keepLinkAlive(
  socket: KeptAlive,
  options: Pick<LinkOptions, 'clock' | 'minPingIntervalMs' | 'onSilence'>,
  { active, ping }: { readonly active: ActiveCalls; readonly ping: () => boolean },
): () => void {
  const { clock } = options;
  const { activeIntervalMs, idleIntervalMs, unusedIntervalMs, silentAfterMs, timeoutMs } = peerPings(options);
  let pingedAt = clock.now();
  return keepAlive(socket, {
    clock,
    silentAfterMs,
    timeoutMs,
    intervalMs: () => (active.unary > 0 ? activeIntervalMs : idleIntervalMs),
    ask() {
      if (active.all === 0 && clock.now() - pingedAt < unusedIntervalMs) return false;
      pingedAt = clock.now();
      return ping();
    },
    onSilence: options.onSilence,
  });
}
