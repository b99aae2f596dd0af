import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { type ContractSource, findSource } from './find-source.js';

/** The import path of a contract, and where each of its imports is, in a tree that has a `store/types.proto` of another project. */
function search(
  files: Readonly<Record<string, string>>,
  { of = 'pkg/api/query.proto', roots = [] }: { readonly of?: string; readonly roots?: readonly string[] } = {},
) {
  using tree = new Folder({
    'buf.yaml': 'modules:\n  - path: proto\n',
    'proto/store/types.proto': '// of another project',
  });
  using home = new Folder(files);
  const importRoots = roots.map((one) => (one === 'proto' ? path.join(tree.path, one) : path.join(home.path, one)));
  const source: ContractSource = { kind: 'file', path: path.join(home.path, of), importRoots };
  const { start, imports } = findSource(tree.path, source);
  return [
    start.path,
    ...imports.map(({ file }) => path.relative(file.startsWith(home.path) ? home.path : tree.path, file)),
  ];
}

const QUERY = 'package thanos; import "store/types.proto";';
const alone = { 'pkg/api/query.proto': QUERY };

describe('the path of a contract from elsewhere', () => {
  it('starts where its imports do', () => {
    expect(search({ ...alone, 'pkg/store/types.proto': '' })).toEqual(['api/query.proto', 'pkg/store/types.proto']);
    expect(search({ ...alone, 'store/types.proto': '' })).toEqual(['pkg/api/query.proto', 'store/types.proto']);
  });

  it('has the folders of its package, if it lies in them', () => {
    expect(search({ 'a/b/v1/s.proto': 'package a.b.v1;' }, { of: 'a/b/v1/s.proto' })).toEqual(['a/b/v1/s.proto']);
    expect(
      search({ 'b/v1/s.proto': 'package a.b.v1; import "google/protobuf/any.proto";' }, { of: 'b/v1/s.proto' }),
    ).toEqual(['s.proto']);
  });

  it('starts in a named folder that has it', () => {
    const files = { ...alone, 'pkg/store/types.proto': '' };
    expect(search(files, { roots: ['pkg'] })).toEqual(['api/query.proto', 'pkg/store/types.proto']);
    expect(() => search(files, { roots: ['pkg/api'] })).toThrow(
      /imports "store\/types\.proto", which is neither in .*pkg\/api nor in a package;/,
    );
  });
});

describe('the imports of a contract from elsewhere', () => {
  it('are found beside it and in the folders above it, those of imports too, the nearest first', () => {
    const files = {
      'w/api/s.proto': 'import "types.proto"; import "common/c.proto";',
      'w/api/types.proto': 'import "s.proto";',
      'types.proto': '// further away',
      'w/common/c.proto': 'import public "common/d.proto"; import "types.proto";',
      'w/common/d.proto': '',
    };
    const found = ['s.proto', 'w/api/types.proto', 'w/common/c.proto', 'w/common/d.proto'];
    expect(search(files, { of: 'w/api/s.proto' })).toEqual(found);
  });

  it('are found in a named folder first, as by protoc', () => {
    const files = { ...alone, 'pkg/store/types.proto': '', 'one/store/types.proto': '', 'two/store/types.proto': '' };
    expect(search(files, { roots: ['one', 'two'] })).toEqual(['query.proto', 'one/store/types.proto']);
  });

  it("are refused if only another contract's file in proto/ has the path, unless proto/ is named", () => {
    expect(() => search(alone)).toThrow(
      /query\.proto:1: imports "store\/types\.proto", which is neither in .*pkg\/api, in a folder above it nor in a package; name its root folder with --proto-path DIR; --proto-path .*\/proto takes the file that another contract has there$/,
    );
    expect(search(alone, { roots: ['proto'] })).toEqual(['query.proto', 'proto/store/types.proto']);
  });

  it('are refused by the line of the file that imports them', () => {
    expect(() => search({ ...alone, 'pkg/store/types.proto': '\n\nimport "gone.proto";' })).toThrow(
      /pkg\/store\/types\.proto:3: imports "gone\.proto", .*; name the root folder of the import with --proto-path DIR$/,
    );
  });

  it('are left to the compiler, which refuses them, if they leave their folder', () => {
    const text = 'import "../up.proto"; import "/etc/x.proto"; import "./y.proto"; import "a//b.proto";';
    expect(search({ 'a/s.proto': text, 'up.proto': '', 'a/y.proto': '' }, { of: 'a/s.proto' })).toEqual(['s.proto']);
  });
});

it('a contract that is text has its place in proto/, and the imports that are there', () => {
  using tree = new Folder({ 'buf.yaml': 'modules:\n  - path: proto\n', 'proto/store/types.proto': '' });
  const source: ContractSource = { kind: 'text', path: 'thanos/query.proto', text: QUERY };
  const { start, imports, shown } = findSource(tree.path, source);
  expect(start.path).toBe(source.path);
  const files = ['proto/thanos/query.proto', 'proto/store/types.proto'];
  expect([start, ...imports].map(({ file }) => shown(file))).toEqual(files);
});
