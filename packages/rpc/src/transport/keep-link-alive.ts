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
  const { activeIntervalMs, idleIntervalMs, unusedIntervalMs, silentAfterMs, timeoutMs } = peerPings(options);
  const watch = keepAlive(socket, {
    clock: options.clock,
    silentAfterMs,
    timeoutMs,
    intervalMs() {
      if (active.unary > 0) return activeIntervalMs;
      return active.all > 0 ? idleIntervalMs : unusedIntervalMs;
    },
    ask: ping,
    onSilence: options.onSilence,
  });
  active.onBegun = watch.recheck;
  return watch.stop;
}
