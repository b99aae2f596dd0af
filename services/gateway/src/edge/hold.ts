import type { Clock } from '@rondo/rpc/clock';
import type { LiveCatalogue } from '../discovery/create-catalogue.js';
import type { HttpExchange, HttpHandler } from '../listener/exchange.js';
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
    hold(exchange, { catalogue, clock, mostMs: MAX_HOLD_MS, isReady: () => catalogue.started }, () =>
      handler(exchange),
    );
  };
}

interface HoldOptions {
  readonly catalogue: Pick<LiveCatalogue, 'onChange'>;
  readonly clock: Clock;
  readonly mostMs: number;
  readonly isReady: () => boolean;
}

/** Goes on with a request once the catalogue is ready for it, and after `mostMs` at the latest. It never does if the client has left. */
export function hold(exchange: HttpExchange, options: HoldOptions, goOn: () => void): void {
  const { catalogue, clock, mostMs, isReady } = options;
  let isHeld = true;
  const release = () => {
    isHeld = false;
    unsubscribe();
    timer.cancel();
  };
  const end = () => {
    if (!isHeld) return;
    release();
    goOn();
  };
  const timer = clock.setTimer(mostMs, end);
  const unsubscribe = catalogue.onChange(() => {
    if (isReady()) end();
  });
  exchange.onClose(release);
}
