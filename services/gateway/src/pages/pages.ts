import type { Catalogue } from '../discovery/catalogue.js';
import type { HttpExchange } from '../listener/exchange.js';
import { answerHealth, type GatewayHealth } from './health.js';
import { HOME_POLICY, homePage } from './home.js';

/** Options of {@link createPages}. */
export interface PagesOptions {
  readonly catalogue: Catalogue;
  readonly health: GatewayHealth;
}

/** Serves the fixed paths. It returns whether the path is one of them. */
export type Pages = (exchange: HttpExchange) => boolean;

export function createPages({ catalogue, health }: PagesOptions): Pages {
  return (exchange) => {
    if (answerHealth(exchange, health)) return true;
    if (exchange.path !== '/' || !isReading(exchange)) return false;
    const html = homePage(catalogue, `${exchange.secure ? 'https' : 'http'}://${exchange.authority}`);
    exchange.respond(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': HOME_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    exchange.end(Buffer.from(html));
    return true;
  };
}

function isReading({ method }: HttpExchange): boolean {
  return method === 'GET' || method === 'HEAD';
}
