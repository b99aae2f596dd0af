import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Content } from './content.js';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing else is loaded, no address of another host is asked, and no page of another shows this one. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  // The names of the files stay the same when their content changes.
  'cache-control': 'no-cache',
};

/**
 * The files of the console, by path: `/console` is its page.
 *
 * @throws Error if the package has not been built.
 */
export function createConsole(folder = assetFolder()): (path: string) => Content | undefined {
  const names = readdirSync(folder).filter(isAsset);
  if (!names.includes('index.html')) throw new Error(`${folder} has no index.html: build the console first`);
  const contents = new Map(names.map((name) => [name, contentOf(join(folder, name))]));
  return (path) => {
    if (path === '/console') return contents.get('index.html');
    return path.startsWith('/console/') ? contents.get(path.slice('/console/'.length)) : undefined;
  };
}

/** Whether a page may have the file, by its name. */
export const isAsset = (name: string): boolean => extname(name) in TYPES;

/** A file of a page, with the headers of all that is served with it. */
export function contentOf(file: string): Content {
  const body = readFileSync(file);
  const etag = `W/"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
  return { type: TYPES[extname(file)] ?? '', body, etag, headers: HEADERS };
}

/** Next to the bundle, where `npm run bundle` copies the files, or in the package. */
function assetFolder(): string {
  const bundled = fileURLToPath(new URL('../console', import.meta.url));
  if (existsSync(join(bundled, 'index.html'))) return bundled;
  return join(dirname(createRequire(import.meta.url).resolve('@rondo/console/package.json')), 'dist/page');
}
