import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random } from '@rondo/rpc/clock';
import { networkOf } from '@rondo/rpc/internal';
import { httpStatusOf, packDetail, RpcError, Status } from '@rondo/rpc/status';
import type { Authenticator, ServiceContext } from '@rondo/service';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange, HttpHandler } from '../listener/exchange.js';
import { createAccessLog } from './access-log.js';
import { createClientAddress } from './client-address.js';
import { createCors } from './cors.js';
import { createHostCheck } from './hosts.js';
import { takeCredentials, verifyIdentity } from './identity.js';
import { createRequestMetrics } from './metrics.js';
import { createRateLimit, type Quota, type Rate } from './rate-limit.js';
import { identify } from './request-id.js';

export interface EdgeOptions {
  readonly log: Logger;
  /** Without a meter nothing is measured. */
  readonly meter?: ServiceContext['meter'];
  readonly clock: Clock;
  readonly random: Random;
  readonly listenHost: string;
  /** The hosts that requests may name; `*` for any. */
  readonly hosts: readonly string[];
  /** The origins whose pages may call; `*` for any. */
  readonly corsOrigins: readonly string[];
  /** Whether an address is a proxy whose `X-Forwarded-For` counts. */
  readonly isProxy: (address: string) => boolean;
  /** Whether an address is a caller whose traces and baggage go on. */
  readonly mayTrace: (address: string) => boolean;
  /** How many requests a client may send; undefined for no limit. */
  readonly rate: Rate | undefined;
  /** Verifies credentials; undefined if none are accepted. */
  readonly authenticator: Authenticator | undefined;
  /** Answers a request with an error, in the protocol that it speaks. */
  readonly refuse: (exchange: HttpExchange, error: RpcError, status: number) => void;
}

/** What stands between the public port and the protocols. */
export interface Edge {
  admit(handler: HttpHandler): HttpHandler;
  clientOf(exchange: HttpExchange): string;
  /** Whose share of what is bounded for all a request takes: its principal's, or its client's network's. */
  shareOf(exchange: HttpExchange): string;
}

/** Load balancers ask for these by any name, and often. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Whether a request only asks how the gateway is. */
export const isProbe = ({ path }: HttpExchange): boolean => PROBES.has(path);

/**
 * Runs the checks that every request passes at the edge, in this order: an id, the access log, the checks of its host and its
 * origin, CORS, its credentials, and the rate limit of its principal, or of its client if it has none. When a client has spent its
 * quota on refused credentials, no more are verified, as that takes far longer than a refusal.
 */
export function createEdge(options: EdgeOptions): Edge {
  const { log, clock, random, refuse, authenticator } = options;
  const addressOf = createClientAddress(options.isProxy);
  const logAccess = createAccessLog(options);
  const measure = createRequestMetrics(options.meter, clock);
  const isAllowedHost = createHostCheck(options.hosts, options.listenHost);
  const cors = createCors(options.corsOrigins);
  const limit = options.rate && createRateLimit(options.rate, clock);
  const clientOf = (exchange: HttpExchange) => addressOf(exchange.remote, forwardedFor(exchange));
  const shareOf = (exchange: HttpExchange) => identityOf(exchange) ?? networkOf(clientOf(exchange));

  return {
    clientOf,
    shareOf,
    admit: (handler) => (exchange) => {
      if (isProbe(exchange)) return handler(exchange);
      const client = clientOf(exchange);
      measure(exchange);
      logAccess(exchange, { client, requestId: identify(exchange, random, options.mayTrace) });
      if (!isAllowedHost(exchange.authority)) return refuse(exchange, otherHost(exchange), 421);
      if (cors.answerPreflight(exchange)) return;
      if (cors.isForged(exchange))
        return refuse(
          exchange,
          gatewayErrors.OTHER_ORIGIN({ origin: `${exchange.headers.origin}`.slice(0, 100) }),
          403,
        );
      Object.assign(exchange.answerHeaders, cors.headersFor(exchange));
      // Caches know that by themselves of `Authorization` alone: https://www.rfc-editor.org/rfc/rfc9111#section-3.5
      if (exchange.headers['x-api-key'] !== undefined) exchange.answerHeaders['cache-control'] = 'private';
      const network = networkOf(client);
      const refused = `refused ${network}`;
      const admit = (quota: Quota | undefined, then: () => void) => {
        const refusal = quota && refusalOf(exchange, quota);
        if (refusal === undefined) then();
        else refuse(exchange, refusal, 429);
      };
      const handle = () => admit(limit?.take(shareOf(exchange)), () => handler(exchange));
      if (authenticator === undefined) return handle();
      const onFault = (fault: unknown) => {
        if (!(fault instanceof RpcError)) throw fault;
        if (fault.code !== Status.UNAVAILABLE) limit?.take(refused);
        admit(limit?.take(network), () => refuse(exchange, fault, httpStatusOf(fault)));
      };
      const sent = takeCredentials(exchange);
      if (sent === undefined) return handle();
      admit(limit?.peek(refused), () => {
        verifyIdentity(exchange, sent, authenticator)
          .then(handle, onFault)
          .catch((fault: unknown) => {
            log.error({ err: fault }, 'a request with credentials failed');
            exchange.abort('internal');
          });
      });
    },
  };
}

/** The key of a principal's quota; undefined if the request has none. It can't be mistaken for an address. */
function identityOf({ identity }: HttpExchange): string | undefined {
  const { principal } = identity ?? {};
  return principal && `${principal.issuer} ${principal.subject}`;
}

function forwardedFor({ headers }: HttpExchange): string | undefined {
  const header = headers['x-forwarded-for'];
  return Array.isArray(header) ? header.join(',') : header;
}

function otherHost({ authority }: HttpExchange): RpcError {
  const named = authority === '' ? 'no host' : `the host "${authority.slice(0, 100)}"`;
  return gatewayErrors.OTHER_HOST({ host: named });
}

/** Tells the client the rest of its quota. Returns the refusal if nothing is left. */
function refusalOf({ answerHeaders }: HttpExchange, quota: Quota): RpcError | undefined {
  const { policy, admitted, remaining, resetSeconds } = quota;
  answerHeaders['ratelimit-policy'] = policy;
  answerHeaders.ratelimit = `"client";r=${remaining};t=${resetSeconds}`;
  if (admitted) return undefined;
  const retryDelay = { seconds: BigInt(resetSeconds), nanos: 0 };
  answerHeaders['retry-after'] = `${resetSeconds}`;
  return gatewayErrors.TOO_MANY_REQUESTS({ resetSeconds }, { details: [packDetail(RetryInfo, { retryDelay })] });
}
