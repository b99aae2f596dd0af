import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Content } from './content.js';

/** The files of the package `swagger-ui-dist` that the page loads. */
const FILES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Nothing else is loaded, and no address of another host is asked. The style sheet has its pictures as data. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Browsers never ask again: the path changes with the content. */
const FOREVER = { 'cache-control': 'public, max-age=31536000, immutable' };

/** The interactive page at `/docs`, by path: it shows the OpenAPI document and calls the methods in it. */
export function createDocs(folder = assetFolder()): (path: string) => Content | undefined {
  const files = Object.entries(FILES).map(([name, type]) => ({ name, type, body: readFileSync(join(folder, name)) }));
  const all = [...files, { name: 'start.js', type: 'text/javascript; charset=utf-8', body: Buffer.from(START) }];
  const hash = createHash('sha256');
  for (const { name, body } of all) hash.update(`${name} ${body.length}\0`).update(body);
  const version = hash.digest('hex').slice(0, 16);
  const page: Content = {
    type: 'text/html; charset=utf-8',
    body: Buffer.from(html(version)),
    etag: `W/"${version}"`,
    headers: { 'content-security-policy': POLICY, 'referrer-policy': 'no-referrer', 'cache-control': 'no-cache' },
  };
  const contents = new Map<string, Content>([
    ['/docs', page],
    ['/docs/', page],
    ...all.map(({ name, type, body }) => {
      const content = { type, body, etag: `W/"${version}"`, headers: FOREVER };
      return [`/docs/${version}/${name}`, content] as const;
    }),
  ]);
  return (path) => contents.get(path);
}

/** Beside the bundle, where `npm run bundle` copies the package's files, or in the package. */
function assetFolder(): string {
  const beside = fileURLToPath(new URL('../docs', import.meta.url));
  if (existsSync(join(beside, 'swagger-ui.css'))) return beside;
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}

const html = (version: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Rondo: methods</title>
<link rel="icon" href="/docs/${version}/favicon-32x32.png">
<link rel="stylesheet" href="/docs/${version}/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/${version}/swagger-ui-bundle.js"></script>
<script src="/docs/${version}/start.js"></script>
</html>
`;

/** Without `validatorUrl: null` the page would have a foreign host check the document. */
const START = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  validatorUrl: null,
  queryConfigEnabled: false,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
`;
