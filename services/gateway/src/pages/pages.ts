import type { Catalogue } from '../discovery/catalogue.js';
import type { HttpExchange } from '../listener/exchange.js';
import { createOpenApi } from '../openapi/document.js';
import { answerPage, type Content, refuseVerb } from './content.js';
import { answerHealth, type GatewayHealth } from './health.js';
import { HOME_POLICY, homePage } from './home.js';
import type { ServicePages } from './service-pages.js';

export interface PagesOptions {
  readonly catalogue: Pick<Catalogue, 'services' | 'routes' | 'revision'>;
  /** Whether the gateway verifies credentials. Not by default. */
  readonly authenticates?: boolean;
  readonly health: GatewayHealth;
  /** The files of the console; undefined where it isn't served. */
  readonly console?: ((path: string) => Content | undefined) | undefined;
  /** Undefined where they aren't served. */
  readonly services?: ServicePages | undefined;
}

/** Serves the fixed paths. It returns whether the path is one of them. */
export type Pages = (exchange: HttpExchange) => boolean;

/** Creates the pages: `/`, `/openapi.json`, `/healthz`, `/readyz`, `/console` if it is served, and those of services. */
export function createPages({ catalogue, health, authenticates = false, console, services }: PagesOptions): Pages {
  const openApi = createOpenApi(catalogue, authenticates);

  const contentOf = (exchange: HttpExchange): Content | undefined => {
    const { path } = exchange;
    if (path === '/') return home(catalogue, exchange, [...(console ? ['/console'] : []), ...(services?.paths ?? [])]);
    if (path === '/openapi.json') return { type: 'application/json', headers: NO_CACHE, ...openApi() };
    return console?.(path) ?? services?.content(path);
  };

  /** A page has no slash at its end, so that the paths in it are right. The way there is relative, as a proxy may add a prefix. */
  const redirect = (exchange: HttpExchange): boolean => {
    const [, name] = /^\/([^/]+)\/$/.exec(exchange.path) ?? [];
    if (name === undefined || (console?.(`/${name}`) ?? services?.content(`/${name}`)) === undefined) return false;
    exchange.body.discard();
    exchange.respond(308, { location: `../${name}` });
    exchange.end();
    return true;
  };

  return (exchange) => {
    if (answerHealth(exchange, health)) return true;
    const content = contentOf(exchange);
    if (content === undefined) return redirect(exchange);
    if (exchange.method === 'GET' || exchange.method === 'HEAD') answerPage(exchange, content);
    else refuseVerb(exchange);
    return true;
  };
}

/** A client may keep the content, and asks each time whether it has changed. */
const NO_CACHE = { 'cache-control': 'no-cache' };

function home(
  catalogue: PagesOptions['catalogue'],
  { secure, authority }: HttpExchange,
  pages: readonly string[],
): Content {
  return {
    type: 'text/html; charset=utf-8',
    body: Buffer.from(
      homePage(
        { services: catalogue.services, routes: catalogue.routes, pages },
        `${secure ? 'https' : 'http'}://${authority}`,
      ),
    ),
    headers: { 'content-security-policy': HOME_POLICY, 'referrer-policy': 'no-referrer', ...NO_CACHE },
  };
}
