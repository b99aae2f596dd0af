import type { FairQueue, Shares } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';
import { type ClientCounts, setSharedTimer } from '@rondo/rpc/internal';
import type { HttpExchange, HttpHandler } from './exchange.js';
import type { ListenerLimits } from './limits.js';
import { refuse } from './refusal.js';

/** Runs `expire` after so many milliseconds or up to a tick later, unless it is cancelled. It must not throw. */
export type ExpireAfter = (ms: number, expire: () => void) => Timer;

/** All that is due in one tick shares a timer of the clock: most requests end long before their deadlines. */
export const createTimeouts =
  (clock: Clock, tickMs: number): ExpireAfter =>
  (ms, expire) =>
    setSharedTimer(clock, { delayMs: ms, stepMs: tickMs }, expire);

/** What the parts of a listener share. */
export interface Setup {
  readonly handler: HttpHandler;
  readonly limits: ListenerLimits;
  readonly expireAfter: ExpireAfter;
  /** What requests keep until they are answered. */
  readonly unfinished: Shares;
  /** What answers keep for clients that haven't read them. */
  readonly unread: Shares;
  /** Whose share a request takes. */
  readonly clientOf: (exchange: HttpExchange) => string;
  /** In which requests begin. */
  readonly queue: FairQueue;
  /** The open requests over HTTP/2. */
  readonly streams: ClientCounts;
  /** Whether an address is a proxy: it may have more open than a client. */
  readonly isProxy: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the process is about to stop: answers of HTTP/1.1 then close their connection. */
  readonly leaving: () => boolean;
}

/** Hands a request to the handler. A fault of the handler fails only that request. */
export function handle({ handler, log }: Setup, exchange: HttpExchange): void {
  try {
    handler(exchange);
  } catch (error) {
    log.error({ err: error }, 'a handler of the public port threw');
    refuse(exchange, 500, 'the gateway failed');
  }
}
