import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Folder } from '../test/folder.js';
import { findUnlisted } from './unlisted.js';

let tree: Folder;

beforeEach(() => {
  tree = new Folder({
    'samples.json': '{ "scripts/load.mjs": ["carts"] }',
    'services/carts/package.json': '{ "rondo": { "port": 50060, "contracts": ["carts/v1/carts.proto"] } }',
    'services/carts/src/app.ts': "import '@rondo/contracts/carts/v1/carts';",
    'proto/carts/v1/carts.proto': 'package carts.v1; service CartService {}',
    'scripts/load.mjs': "import '@rondo/contracts/carts/v1/carts';",
    'packages/rpc/src/a.ts': '/** Such as carts.v1.CartService, at carts-1. */',
    'docs/guides/b.md': 'The carts of a shop.',
    'CHANGELOG.md': 'services/carts is new.',
  });
});
afterEach(() => tree[Symbol.dispose]());

const found = () => findUnlisted(tree.path).map((line) => line.split(':', 2).join(':'));

it('finds nothing if each file that needs a sample is listed', () => {
  expect(found()).toEqual([]);
});

it.each([
  ['packages/rpc/src/b.test.ts', "import '@rondo/contracts/carts/v1/carts';"],
  ['docs/guides/b.md', './rondo call carts.v1.CartService/Get'],
  ['README.md', 'Read services/carts/src/app.ts.'],
  ['e2e/c.test.ts', "await startService('carts');"],
  ['infra/d.mjs', "await kill('carts-2');"],
  ['.ci/run', 'docker compose up carts'],
])('finds %s, which says: %s', (file, line) => {
  tree.write(file, `\n${line}\n`);
  expect(found()).toEqual([`${file}:2 needs carts`]);
  tree.write(file, `\n# sample: carts\n${line}\n# /sample\n`);
  expect(found()).toEqual([]);
});

it('does not look into bundles', () => {
  tree.write('bundle/shared/rondo.mjs', "import '@rondo/contracts/carts/v1/carts';");
  expect(found()).toEqual([]);
});

it("does not look for the names of Rondo's own services", () => {
  tree.write('services/door/package.json', '{ "rondo": { "port": 50061, "contracts": ["rondo/door/v1/door.proto"] } }');
  tree.write('proto/rondo/door/v1/door.proto', 'package rondo.door.v1; service DoorService {}');
  tree.write('samples.json', '{ "scripts/load.mjs": ["carts", "door"] }');
  tree.write('e2e/c.test.ts', 'A door may be open.');
  expect(found()).toEqual([]);
});

it.each(['# sample: carts\na\n', '# sample: carts\na\n# sample: carts\nb\n# /sample\n'])(
  'finds a mark without an end: %j',
  (text) => {
    tree.write('docs/guides/b.md', text);
    expect(found()).toEqual(['docs/guides/b.md: a "sample']);
  },
);

it('finds entries without a file or a service', () => {
  tree.write('samples.json', '{ "scripts/load.mjs": ["carts"], "scripts/lost.mjs": ["carts", "cart"] }');
  expect(found()).toEqual(['samples.json: there is no scripts/lost.mjs', 'samples.json: there is no service cart']);
  // A fork may delete the laboratory.
  tree.write('samples.json', '{ "lab": ["carts"] }');
  expect(found()).not.toContain('samples.json: there is no lab');
});
