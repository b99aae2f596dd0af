import type { HttpExchange } from '../listener/exchange.js';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whether a page of another origin sent the request, and it may change something. A browser sends some requests to any
 * address without asking first: a page could call services that only this machine can reach (cross-site request forgery).
 * Programs other than browsers send no `Origin`.
 *
 * Source: https://words.filippo.io/csrf/
 *
 * @param allowed the origins whose pages may call; `*` for any.
 */
export function isForged({ method, authority, headers }: HttpExchange, allowed: ReadonlySet<string>): boolean {
  const { origin } = headers;
  if (SAFE.has(method) || origin === undefined || allowed.has('*') || allowed.has(origin)) return false;
  return !URL.canParse(origin) || new URL(origin).host !== authority.toLowerCase();
}
