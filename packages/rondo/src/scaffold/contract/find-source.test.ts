import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { findSource } from './find-source.js';

const BUF = 'modules:\n  - path: proto\n';
const STORE = 'package thanos; message Label {}';
const QUERY = 'package thanos; import "store/types.proto";';

/** The files that a contract elsewhere imports, in a tree that has a `store/types.proto` of another project. */
function importsOf(
  elsewhere: Readonly<Record<string, string>>,
  {
    importRoots,
    served,
    buf = BUF,
  }: { importRoots?: (tree: string) => string[]; served?: string[]; buf?: string } = {},
) {
  using tree = new Folder({ 'buf.yaml': buf, 'proto/store/types.proto': '// of another project' });
  using home = new Folder(elsewhere);
  const file = path.join(home.path, 'pkg/api/query.proto');
  const source = { kind: 'file', path: file, importRoots: importRoots?.(tree.path) ?? [] } as const;
  const { start, imports } = findSource(tree.path, source, served);
  return [start.path, ...imports.map((one) => path.relative(home.path, one.file))];
}

describe('the imports of a contract from elsewhere', () => {
  const home = { 'pkg/api/query.proto': QUERY, 'pkg/store/types.proto': STORE };

  it('are those of its own repository, whatever proto/ has under their paths', () => {
    expect(importsOf(home)).toEqual(['api/query.proto', 'pkg/store/types.proto']);
  });

  it("are refused if only another contract's file in proto/ has the path, unless proto/ is named", () => {
    const alone = { 'pkg/api/query.proto': QUERY };
    expect(() => importsOf(alone)).toThrow(
      /imports "store\/types\.proto", which is neither in .*; name its root folder with --proto-path DIR; --proto-path .*\/proto takes the file that another contract has there$/,
    );
    const named = importsOf(alone, { importRoots: (tree) => [path.join(tree, 'proto')] });
    expect(named).toEqual(['query.proto', expect.stringMatching(/proto\/store\/types\.proto$/)]);
  });

  it("may be what stands in place of a package's file in proto/", () => {
    const buf = `${BUF}  # proto/store/types.proto stands in place of   - path: lib\n`;
    expect(importsOf({ 'pkg/api/query.proto': QUERY }, { buf })).toEqual([
      'query.proto',
      expect.stringMatching(/proto\/store\/types\.proto$/),
    ]);
  });

  it('start where those of the earlier version did', () => {
    const twice = { ...home, 'store/types.proto': '// other' };
    expect(() => importsOf(twice)).toThrow(
      /query\.proto:1: imports "store\/types\.proto", which could be .*#\w+\/store\/types\.proto or .*\/pkg\/store\/types\.proto/,
    );
    expect(importsOf(twice, { served: ['pkg/api/query.proto'] })).toEqual(['pkg/api/query.proto', 'store/types.proto']);
  });
});
