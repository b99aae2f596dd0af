import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Catalogue, PublicMethod, PublicService, Route } from '../discovery/catalogue.js';
import { isRequired } from '../openapi/schema.js';

/** What the first page is made from. */
export interface Home extends Pick<Catalogue, 'services' | 'routes'> {
  /** The paths of the pages at the same address, such as `/console`. */
  readonly pages?: readonly string[];
}

/** The first page, as HTML: what runs, where it is documented, and commands to try it. It loads nothing. */
export function homePage({ services, routes, pages = [] }: Home, baseUrl: string): string {
  const rows = services.map((service) => serviceRow(service, routes)).join('\n');
  const off = routes.flatMap(switchedOff).map((text) => `<li>${escapeHtml(text)}`);
  const links = [...pages, '/openapi.json'].map((path) => `<a href="${path.slice(1)}">${nameOf(path)}</a>`);
  const commands = commandsFor({ services, routes }, baseUrl).map((command) => `<pre>${escapeHtml(command)}</pre>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rondo</title>
<style>${STYLE}</style>
<h1>Rondo</h1>
<p>${escapeHtml(introduction(services.length))}
<p>${links.join(' · ')}
${services.length === 0 ? '' : `<table>\n<tr><th>service<th>methods<th>routes<th>instances</tr>\n${rows}\n</table>`}
${commands.join('\n')}
${off.length === 0 ? '' : `<h2>Routes that are switched off</h2>\n<ul>\n${off.join('\n')}\n</ul>`}
</html>
`;
}

const nameOf = (path: string): string =>
  path === '/openapi.json' ? 'OpenAPI' : path.charAt(1).toUpperCase() + path.slice(2);

function introduction(services: number): string {
  if (services === 0) return 'No public service is known yet. One appears here as soon as an instance of it registers.';
  const served = services === 1 ? '1 service' : `${services} services`;
  return `This gateway serves ${served} over HTTP/JSON, Connect, gRPC-Web and gRPC.`;
}

/** The policy with which browsers show the page. Source: https://www.w3.org/TR/CSP3/ */
export const HOME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Names and commands wrap at any character, so that all of them is seen on a page as narrow as a telephone. */
const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem 0 } th { overflow-wrap: normal }
pre { background: #f4f4f4; padding: .6rem; white-space: pre-wrap }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } pre { background: #222 } a { color: #8cf } }`;

function serviceRow({ name, methods, instances }: PublicService, routes: readonly Route[]): string {
  const own = routes.filter(({ target, takenBy }) => takenBy === undefined && methods.includes(target));
  return `<tr><td>${escapeHtml(name)}<td>${methods.length}<td>${own.length}<td>${instances}</tr>`;
}

function switchedOff({ target, binding, takenBy }: Route): readonly string[] {
  if (takenBy === undefined) return [];
  const { verb, template } = binding;
  return [`${verb} ${template.text} of ${target.method.path.slice(1)}: ${takenBy.replace('/', '')} has the same path.`];
}

/**
 * A command for each way to call: HTTP/JSON, Connect and gRPC. Each only reads and needs no values, so that it works as it
 * is; there is none for a way without such a method.
 */
function commandsFor({ services, routes }: Pick<Catalogue, 'services' | 'routes'>, baseUrl: string): readonly string[] {
  const running = services
    .filter(({ instances }) => instances > 0)
    .flatMap(({ methods }) => methods.filter(isPlainRead));
  const route = routes.find((one) => running.includes(one.target) && isPlainGet(one));
  const method = route?.target ?? running[0];
  const flag = baseUrl.startsWith('https:') ? '' : '-plaintext ';
  return [
    ...(route === undefined ? [] : [`curl ${quote(`${baseUrl}${route.binding.template.text}`)}`]),
    ...(method === undefined
      ? []
      : [`curl -H 'content-type: application/json' -d '{}' ${quote(`${baseUrl}${method.method.path}`)}`]),
    `grpcurl ${flag}${quote(withPort(baseUrl))} list`,
  ];
}

/** Whether a method can be called with an empty request, as often as one likes. */
function isPlainRead({ desc }: PublicMethod): boolean {
  const safe = desc.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return safe && desc.methodKind === 'unary' && !desc.input.fields.some(isRequired);
}

/** Whether a route can be called as it is written. */
function isPlainGet({ binding: { verb, template }, takenBy }: Route): boolean {
  const plain = template.segments.every(({ kind }) => kind === 'literal');
  return takenBy === undefined && verb === 'GET' && plain;
}

/** The host and port of a URL. grpcurl knows no default port. */
function withPort(url: string): string {
  const host = url.replace(/^https?:\/\//, '');
  return /:\d+$/.test(host) ? host : `${host}:${url.startsWith('https:') ? 443 : 80}`;
}

/** An argument as a shell reads it: a path may hold `$`, and a request may name any host. */
function quote(argument: string): string {
  return /^[\w./:-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
