import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { linesOf, withoutLinks, withoutMarked } from './samples.js';

describe('marked lines', () => {
  it.each([
    ['a\nb # sample: sales\nc\n', 'a\nc\n'],
    ["  one, // sample: sales\n  'two',\n", "  'two',\n"],
    ['| a | b <!-- sample: sales --> |\n| c | d |\n', '| c | d |\n'],
    ['a\n# sample: carts, sales\nb\n# /sample\nc\n', 'a\nc\n'],
    ['a\n\n<!-- sample: sales -->\n\nb\n\n<!-- /sample -->\n\nc\n', 'a\n\nc\n'],
    ['a\n\n<!-- sample: sales -->\n\nb\n\n<!-- /sample -->\n', 'a\n'],
  ])('%j', (text, rest) => {
    expect(withoutMarked(text, 'sales')).toBe(rest);
  });

  it.each(['# sample: carts\na\n# /sample\n', 'a sample: sales\n', 'a # sample: sales-2\n', 'a # sample: NAME\n'])(
    'are not those of %j',
    (text) => {
      expect(withoutMarked(text, 'sales')).toBe(text);
    },
  );

  it('keep their numbers', () => {
    expect([...linesOf('a\n  // sample: sales\nb\n  // /sample\nc\nd // sample: sales', 'sales')]).toEqual([
      1, 2, 3, 5,
    ]);
  });
});

describe('links to removed files', () => {
  const removed = ['docs/guides/a.md', 'lab'];

  it.each([
    ['[a](a.md)', 'a'],
    ['[`a` and b](./a.md#here)', '`a` and b'],
    ['[c](../../lab/src/main.ts)', 'c'],
    ['[c](../../lab/)', 'c'],
  ])('%s becomes its text', (link, text) => {
    expect(withoutLinks(`See ${link}.`, 'docs/guides/b.md', removed)).toBe(`See ${text}.`);
  });

  it.each(['[a](../a.md)', '[a](#a.md)', '[a](https://example.com/docs/guides/a.md)', '[d](ab.md)'])(
    '%s stays',
    (link) => {
      expect(withoutLinks(link, 'docs/guides/b.md', removed)).toBe(link);
    },
  );
});

describe('what npm start -- --auth prints', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));

  it.each([['sales'], ['calculator', 'project-management', 'sales'], ['gateway']])(
    'remains without %s',
    async (...removed) => {
      const clone = mkdtempSync(path.join(tmpdir(), 'rondo-samples-'));
      try {
        cpSync(path.join(root, 'scripts'), path.join(clone, 'scripts'), { recursive: true });
        cpSync(path.join(root, 'package.json'), path.join(clone, 'package.json'));
        for (const service of readdirSync(path.join(root, 'services'))) {
          const [from, to] = [root, clone].map((folder) => path.join(folder, 'services', service, 'package.json'));
          if (!removed.includes(service) && from && to && existsSync(from)) cpSync(from, to);
        }
        const file = path.join(clone, 'scripts/launch/summary.mjs');
        writeFileSync(file, removed.reduce(withoutMarked, readFileSync(file, 'utf8')));
        const { summary } = await import(pathToFileURL(file).href);
        const rows = ['registry', 'gateway-1'].map((name) => ({ name, address: '127.0.0.1:1', services: [] }));
        const options = { data: clone, portBase: 50_050, metrics: false, auth: path.join(clone, 'auth'), certs: clone };
        const databases = { address: '127.0.0.1:2', home: clone };
        const session = { system: { registry: '127.0.0.1:1' }, databases, options, startedAt: 0 };
        expect(summary(rows, session)).toContain('./rondo ps');
      } finally {
        rmSync(clone, { recursive: true, force: true });
      }
    },
  );
});
