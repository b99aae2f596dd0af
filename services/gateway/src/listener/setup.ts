import type { Shares, Turns } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import type { ClientCounts } from '@rondo/rpc/internal';
import type { Deadlines } from './deadlines.js';
import type { HttpExchange, HttpHandler } from './exchange.js';
import type { ListenerLimits } from './limits.js';
import { refuse } from './refusal.js';

/** What the parts of a listener share. */
export interface Setup {
  readonly handler: HttpHandler;
  readonly limits: ListenerLimits;
  readonly deadlines: Deadlines;
  /** What requests keep until they are answered. */
  readonly unfinished: Shares;
  /** What answers keep for clients that haven't read them. */
  readonly unread: Shares;
  /** Whose share a request takes. */
  readonly clientOf: (exchange: HttpExchange) => string;
  /** In which requests begin. */
  readonly turns: Turns;
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

/** A request target without its query, and the query. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const at = target.indexOf('?');
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at + 1) };
}
