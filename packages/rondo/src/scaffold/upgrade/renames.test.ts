import { expect, it } from '@jest/globals';
import { isAfter, renameImports } from './renames.js';

const rename = { version: '0.2.0', module: '@rondo/rpc/server', from: 'Handlers', to: 'Methods' };

it.each([
  [
    "import type { Handlers } from '@rondo/rpc/server';",
    "import type { Methods as Handlers } from '@rondo/rpc/server';",
  ],
  [
    "import { a, type Handlers as H } from '@rondo/rpc/server';",
    "import { a, type Methods as H } from '@rondo/rpc/server';",
  ],
  ["export { Handlers } from '@rondo/rpc/server';", "export { Methods as Handlers } from '@rondo/rpc/server';"],
  ["export { Handlers as H, b } from '@rondo/rpc/server';", "export { Methods as H, b } from '@rondo/rpc/server';"],
  ["import { Handlers } from './mine.js';", "import { Handlers } from './mine.js';"],
  ["import { Other as Handlers } from '@rondo/rpc/server';", "import { Other as Handlers } from '@rondo/rpc/server';"],
])('renames what is imported, and nothing else: %s', (text, expected) => {
  const use = "\nexport const one: Handlers<typeof A> = { Handlers: 'Handlers' };\n";
  expect(renameImports(text + use, [rename])).toBe(expected + use);
});

it('applies renames in their order', () => {
  const next = { ...rename, from: 'Methods', to: 'Service' };
  expect(renameImports("import { Handlers } from '@rondo/rpc/server';", [rename, next])).toBe(
    "import { Service as Handlers } from '@rondo/rpc/server';",
  );
});

it.each([
  ['0.10.0', '0.9.0', true],
  ['0.2.0', '0.2.0', false],
  ['0.2.0', '0.10.0', false],
  ['0.2.0-rc.1', '0.1.9', true],
])('knows whether %s is after %s', (version, other, expected) => {
  expect(isAfter(version, other)).toBe(expected);
});
