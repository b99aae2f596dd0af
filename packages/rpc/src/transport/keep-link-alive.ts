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
  const { clock, onSilence } = options;
  const { activeIntervalMs, idleIntervalMs, unusedIntervalMs, silentAfterMs, timeoutMs } = peerPings(options);
  const intervalMs = () => {
    if (active.unary > 0) return activeIntervalMs;
    active.onFirst = hurry;
    return active.all > 0 ? idleIntervalMs : unusedIntervalMs;
  };
  const watch = keepAlive(socket, { clock, silentAfterMs, timeoutMs, intervalMs, ask: ping, onSilence });
  function hurry(): void {
    active.onFirst = undefined;
    watch.hurry();
  }
  return watch.stop;
}
