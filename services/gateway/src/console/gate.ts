import type { RpcError } from '@rondo/rpc/status';
import { isOwnOrigin } from '../edge/cors.js';
import { createHostCheck } from '../edge/hosts.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange, HttpHandler } from '../listener/exchange.js';

/** Options of {@link guardConsole}. */
export interface GateOptions {
  /** The host that the console listens on. */
  readonly listenHost: string;
  /** The hosts that requests may name. `*` counts for the public services only. */
  readonly hosts: readonly string[];
  readonly refuse: (exchange: HttpExchange, error: RpcError, status: number) => void;
}

const CONSOLE = /^\/(?:console(?:\/|$)|rondo\.gateway\.v1\.ConsoleService\/)/;

/** Whether a path is one of the console's. */
export const isConsolePath = (path: string): boolean => CONSOLE.test(path);

/**
 * Refuses requests to the console from pages of other origins, also of those that may call the public services, and requests that
 * name a host which no configuration names, however its name resolves. Programs other than browsers send no `Origin`.
 */
export function guardConsole(handler: HttpHandler, { listenHost, hosts, refuse }: GateOptions): HttpHandler {
  const named = hosts.filter((host) => host !== '*');
  const isAllowedHost = createHostCheck([...named, 'localhost', '127.0.0.1', '[::1]'], listenHost);
  return (exchange) => {
    const { path, authority, headers } = exchange;
    if (!isConsolePath(path)) return handler(exchange);
    if (!isAllowedHost(authority)) {
      return refuse(exchange, gatewayErrors.OTHER_HOST({ host: `the host "${authority.slice(0, 100)}"` }), 421);
    }
    const { origin } = headers;
    if (origin === undefined || isOwnOrigin(exchange, origin)) return handler(exchange);
    refuse(exchange, gatewayErrors.OTHER_ORIGIN({ origin: origin.slice(0, 100) }), 403);
  };
}
