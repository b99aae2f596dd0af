import type { HttpBinding } from '@rondo/schema/http';
import type { Catalogue, PublicService } from '../discovery/catalogue.js';

/** The first page, as HTML: what runs, where it is documented, and commands to try it. It loads nothing. */
export function homePage({ services }: Pick<Catalogue, 'services'>, baseUrl: string): string {
  const rows = services.map(serviceRow).join('\n');
  const commands = commandsFor(services, baseUrl).map((command) => `<pre>${escapeHtml(command)}</pre>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rondo</title>
<style>${STYLE}</style>
<h1>Rondo</h1>
<p>This gateway serves ${services.length} services over HTTP/JSON, Connect, gRPC-Web and gRPC.
<p><a href="/docs">Try the methods</a> · <a href="/openapi.json">OpenAPI</a>
<table>
<tr><th>service<th>methods<th>routes<th>instances</tr>
${rows}
</table>
${commands.join('\n')}
</html>
`;
}

/** The policy with which browsers show the page. Source: https://www.w3.org/TR/CSP3/ */
export const HOME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1.5rem .2rem 0 }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto }
@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } pre { background: #222 } a { color: #8cf } }`;

function serviceRow({ name, methods, bindings, instances }: PublicService): string {
  return `<tr><td>${escapeHtml(name)}<td>${methods.length}<td>${bindings.length}<td>${instances}</tr>`;
}

/** A command for each way to call: HTTP/JSON, Connect and gRPC, as far as there is a method to call so. */
function commandsFor(services: readonly PublicService[], baseUrl: string): readonly string[] {
  const bindings = services.flatMap((service) => service.bindings);
  const plain = bindings.find(isPlainGet);
  const [unary] = services.flatMap(({ methods }) => methods.filter(({ desc }) => desc.methodKind === 'unary'));
  const host = baseUrl.replace(/^https?:\/\//, '');
  const flag = baseUrl.startsWith('https:') ? '' : '-plaintext ';
  return [
    ...(plain === undefined ? [] : [`curl ${baseUrl}${plain.template.text}`]),
    ...(unary === undefined ? [] : [`curl --json '{}' ${baseUrl}${unary.method.path}`]),
    `grpcurl ${flag}${host} list`,
  ];
}

/** Whether a route can be called as it is written. */
function isPlainGet({ verb, template }: HttpBinding): boolean {
  return verb === 'GET' && template.variables.length === 0 && template.segments.every(({ kind }) => kind === 'literal');
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
