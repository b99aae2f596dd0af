import type { Clock } from '@rondo/rpc/clock';
import type { LiveCatalogue } from '../discovery/create-catalogue.js';
import type { HttpHandler } from '../listener/exchange.js';
import { isProbe } from './edge.js';

/** How long a request waits at most. Milliseconds. */
const MAX_HOLD_MS = 5_000;

/**
 * Holds requests that arrive before the services are known. A client that knows the gateway from before a restart
 * sends them as soon as the port is open: not every client asks `/readyz` first. After five seconds they are
 * answered from the services known by then.
 */
export function holdUntilStarted(
  handler: HttpHandler,
  { catalogue, clock }: { readonly catalogue: Pick<LiveCatalogue, 'started' | 'onChange'>; readonly clock: Clock },
): HttpHandler {
  return (exchange) => {
    if (catalogue.started || isProbe(exchange)) return handler(exchange);
    let held = true;
    const release = () => {
      held = false;
      unsubscribe();
      timer.cancel();
    };
    const goOn = () => {
      if (!held) return;
      release();
      handler(exchange);
    };
    const timer = clock.setTimer(MAX_HOLD_MS, goOn);
    const unsubscribe = catalogue.onChange(() => {
      if (catalogue.started) goOn();
    });
    exchange.onClose(release);
  };
}
