import type { HttpExchange } from '../listener/exchange.js';

/** Whether the gateway should get requests, and why not. */
export interface GatewayHealth {
  /** Undefined if it should. */
  readonly notReady: string | undefined;
}

/**
 * Answers `/healthz`, which is 200 as long as the process turns, and `/readyz`, which is 503 while a load balancer should
 * send requests elsewhere: before the first answer of a registry, and during a drain.
 */
export function answerHealth(exchange: HttpExchange, health: GatewayHealth): boolean {
  if (exchange.path === '/healthz') return answer(exchange, undefined);
  if (exchange.path === '/readyz') return answer(exchange, health.notReady);
  return false;
}

function answer(exchange: HttpExchange, fault: string | undefined): true {
  const { method } = exchange;
  const allowed = method === 'GET' || method === 'HEAD';
  exchange.respond(allowed ? (fault === undefined ? 200 : 503) : 405, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    ...(!allowed && { allow: 'GET, HEAD' }),
  });
  exchange.end(Buffer.from(`${allowed ? (fault ?? 'ok') : 'call it by GET'}\n`));
  exchange.body.discard();
  return true;
}
