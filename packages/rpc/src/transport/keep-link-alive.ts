import type { ActiveCalls } from './grpc/active-calls.js';
import { type KeptAlive, keepAlive } from './grpc/keepalive.js';
import { peerPings } from './grpc/options.js';
import type { LinkOptions } from './link.js';

/** Watches a link, and ends it when its peer is silent for long, as ADR 0005 says. Returns a function that stops the watch. */
export function keepLinkAlive(
  socket: KeptAlive,
  options: LinkOptions,
  { active, ping }: { readonly active: ActiveCalls; readonly ping: () => boolean },
): () => void {
  const { rare, activeIntervalMs, idleIntervalMs, silentAfterMs, timeoutMs } = peerPings(options);
  return keepAlive(socket, {
    clock: options.clock,
    silentAfterMs,
    timeoutMs,
    intervalMs: () => (active.unary > 0 ? activeIntervalMs : idleIntervalMs),
    ask: () => (!rare || active.all > 0) && ping(),
    onSilence: options.onSilence,
  });
}
