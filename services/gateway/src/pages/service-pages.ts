import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contentOf, isAsset } from './console.js';
import type { Content } from './content.js';

/** The pages of services. */
export interface ServicePages {
  /** Their paths, such as `/board`, in order. */
  readonly paths: readonly string[];
  /** A file of a page: `/board` is its `index.html`, `/board/main.js` what that loads. */
  content(path: string): Content | undefined;
}

/** Where the image has them. */
const PAGES = fileURLToPath(new URL('../pages', import.meta.url));
/** Another policy than the console's: a browser then keeps a console that a page has opened out of the page's reach. */
const OPENER = { 'cross-origin-opener-policy': 'same-origin-allow-popups' };
/** No longer than the name of a file may be. */
const PATH = /^\/(?<page>[a-z][a-z0-9-]{0,99})(?:\/(?<file>[\w-][\w.-]{0,199}))?$/;

/** Serves each folder of a folder that has an `index.html`. Files are read again when they have changed, as `rondo dev` makes them anew. */
export function createServicePages(folder = PAGES): ServicePages {
  const known = new Map<string, { readonly mtimeMs: number; readonly content: Content }>();
  const read = (file: string): Content | undefined => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (!found?.isFile()) return undefined;
    const before = known.get(file);
    if (before?.mtimeMs === found.mtimeMs) return before.content;
    const { headers, ...rest } = contentOf(file);
    const content = { ...rest, headers: { ...headers, ...OPENER } };
    known.set(file, { mtimeMs: found.mtimeMs, content });
    return content;
  };
  return {
    get paths() {
      const names = existsSync(folder) ? readdirSync(folder).sort() : [];
      return names.filter((name) => existsSync(join(folder, name, 'index.html'))).map((name) => `/${name}`);
    },
    content(path) {
      const { page, file = 'index.html' } = PATH.exec(path)?.groups ?? {};
      return page === undefined || !isAsset(file) ? undefined : read(join(folder, page, file));
    },
  };
}
