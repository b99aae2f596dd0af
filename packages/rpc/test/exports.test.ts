/** The public entries of the package: how many names they have, and what importing one loads. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sources = join(root, 'packages/rpc/src');
const names = (entry: string): readonly string[] =>
  [...readFileSync(join(sources, 'exports', `${entry}.ts`), 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
    .flatMap(([, list = '']) => list.split(','))
    .map((name) => name.trim().replace(/^type /, ''))
    .filter((name) => name !== '');

const files = readdirSync(join(sources, 'exports'), { recursive: true, encoding: 'utf8' });
const entries = files.filter((file) => file.endsWith('.ts')).map((file) => file.replace(/\.ts$/, ''));
const publicEntries = entries.filter((entry) => !entry.startsWith('internal'));

/** The files and packages that a source file loads, directly or not. Types load nothing. */
function loads(file: string, seen = new Set<string>()): Set<string> {
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)(?! type)[^;]*?from '([^']+)';/gm,
  )) {
    if (!specifier.startsWith('.')) {
      seen.add(specifier);
      continue;
    }
    const next = resolve(dirname(file), specifier.replace(/\.js$/, '.ts'));
    if (seen.has(next)) continue;
    seen.add(next);
    loads(next, seen);
  }
  return seen;
}

describe('the entries', () => {
  it('list at most 97 public names', () => {
    const all = publicEntries.flatMap(names);
    expect(all.length).toBeGreaterThan(60);
    expect(all.length).toBeLessThanOrEqual(97);
  });

  it('list each name once', () => {
    // What tests need of a running service stands in `internal` too, as a service loads no code for tests.
    const all = entries.flatMap(names).filter((name) => name !== 'stopParts');
    expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([]);
  });

  it('are those of package.json', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'packages/rpc/package.json'), 'utf8'));
    expect(Object.keys(exports).sort()).toEqual(entries.map((entry) => `./${entry}`).sort());
  });

  it.each(['call', 'clock', 'middleware', 'status'])('load no transport with %s', (entry) => {
    const loaded = [...loads(join(sources, 'exports', `${entry}.ts`))].map((file) => relative(sources, file));
    expect(loaded.filter((file) => /grpc-js|transport|channel/.test(file))).toEqual([]);
    expect(loaded.length).toBeGreaterThan(0);
  });

  it('load no fault injection in a running service', () => {
    const running = ['client', 'server', 'call', 'status', 'clock', 'middleware', 'internal'];
    const loaded = running.flatMap((entry) => [...loads(join(sources, 'exports', `${entry}.ts`))]);
    expect(loaded.some((file) => file.includes('/channel/'))).toBe(true);
    expect(loaded.filter((file) => file.includes('/testing/'))).toEqual([]);
  });
});

it('has no example in the docs and no template that imports an internal name', () => {
  // Without docs/api, whose node_modules have links to all packages.
  const folders = [
    'docs',
    ...['adr', 'guides', 'reference', 'zh'].map((name) => `docs/${name}`),
    'packages/rondo/src/scaffold',
  ];
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder !== 'docs', encoding: 'utf8' }).map((name) =>
      join(folder, name),
    ),
  );
  const found = ['README.md', ...files]
    .filter((file) => /\.(?:md|ts)$/.test(file))
    .filter((file) => /from '@rondo\/rpc\/internal/.test(readFileSync(join(root, file), 'utf8')));
  expect(found).toEqual([]);
});
