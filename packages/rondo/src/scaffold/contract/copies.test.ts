import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder, root } from '../../../test/scaffold/folder.js';
import { newFile } from '../../../test/scaffold/staged.js';
import { settleCopies } from './copies.js';
import { packageImports } from './platform.js';

const { signal } = new AbortController();

/** What a package provides: one module of a single file, and one of two. */
const RULES = 'syntax = "proto2"; package rules; message Rules { optional int32 min = 1; optional int32 max = 2; }';
const DATE = 'syntax = "proto3"; package shared; message Date { int32 year = 1; } enum Era { AD = 0; }';
const BUF = 'modules:\n  - path: proto\n  - path: rules\n  - path: shared\n';

/** Settles copies of the two, by their import paths and texts. */
async function settle(copies: Readonly<Record<string, string>>) {
  using tree = new Folder({ 'buf.yaml': BUF, 'rules/v/rules.proto': RULES, 'shared/s/date.proto': DATE });
  tree.write('shared/s/other.proto', 'syntax = "proto3"; package shared;');
  symlinkSync(path.join(root, 'node_modules'), path.join(tree.path, 'node_modules'));
  const { source: importer } = newFile('it.proto', '');
  const all = Object.entries(copies).map(([name, text]) => ({
    importer,
    import: { path: name, line: 1 },
    found: newFile(name, text).source,
  }));
  const provides = packageImports(tree.path);
  expect(Object.keys(copies).filter(provides)).toEqual(Object.keys(copies));
  const { replacing, differing } = await settleCopies(all, { root: tree.path, signal });
  return { replacing: replacing.map(({ module }) => module), differing: [...differing.keys()] };
}

const NONE = { replacing: [], differing: [] };

describe('a copy of a file that a package provides', () => {
  it('is not needed if it declares the same, or less', async () => {
    expect(await settle({ 'v/rules.proto': `// License\n${RULES}`, 's/date.proto': DATE.replace(';', ';\n') })).toEqual(
      NONE,
    );
    expect(await settle({ 'v/rules.proto': RULES.replace('optional int32 max = 2;', '') })).toEqual(NONE);
  });

  it("takes the place of the package's if it declares more, or something else", async () => {
    const replacing = { replacing: ['rules'], differing: [] };
    expect(await settle({ 'v/rules.proto': RULES.replace('max = 2;', 'max = 2; optional bool strict = 3;') })).toEqual(
      replacing,
    );
    expect(await settle({ 'v/rules.proto': RULES.replace('int32 max', 'int64 max') })).toEqual(replacing);
    expect(await settle({ 'v/rules.proto': `${RULES} import "elsewhere.proto";` })).toEqual(replacing);
  });

  it('only tells in which types it differs if the package has other files beside it', async () => {
    const text = DATE.replace('AD = 0;', 'AD = 0; BC = 1;');
    expect(await settle({ 's/date.proto': text })).toEqual({ replacing: [], differing: ['shared.Era'] });
  });
});
