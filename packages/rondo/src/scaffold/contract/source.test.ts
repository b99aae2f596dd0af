import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { type ContractSource, findSource } from './source.js';

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
  const { asked, files: found } = findSource(tree.path, source);
  return [
    asked.path,
    ...found.slice(1).map(({ file }) => path.relative(file.startsWith(home.path) ? home.path : tree.path, file)),
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
    ).toEqual(['a/b/v1/s.proto']);
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
  it('are found next to it and in the folders above it, those of imports too, the nearest first', () => {
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
    expect(search(files, { roots: ['one', 'two'] })).toEqual(['thanos/query.proto', 'one/store/types.proto']);
  });

  it("are refused if only another contract's file in proto/ has the path, unless proto/ is named", () => {
    expect(() => search(alone)).toThrow(
      /query\.proto:1: imports "store\/types\.proto", which is neither in .*pkg\/api, in a folder above it nor in a package; name its root folder with --proto-path DIR; --proto-path .*\/proto takes the file that another contract has there$/,
    );
    expect(search(alone, { roots: ['proto'] })).toEqual(['thanos/query.proto', 'proto/store/types.proto']);
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
  const { asked, files, shown } = findSource(tree.path, source);
  expect(asked.path).toBe(source.path);
  expect(files.map(({ file }) => shown(file))).toEqual(['proto/thanos/query.proto', 'proto/store/types.proto']);
});

describe('the place of a contract', () => {
  const places = (tree: Folder, file: string, served: readonly string[] = []) =>
    findSource(tree.path, { kind: 'file', path: file }, served).files.map((one) => `${one.path} ${one.state}`);
  const inTree = (files: Readonly<Record<string, string>> = {}) =>
    new Folder({ 'buf.yaml': 'modules:\n  - path: proto\n', ...files });

  it('is its import path, new, the same or changed', () => {
    using tree = inTree({ 'proto/a/same.proto': '// as it was', 'proto/a/changed.proto': '// old' });
    using home = new Folder({
      'a/it.proto': 'package a; import "a/same.proto"; import "a/changed.proto";',
      'a/same.proto': '// as it was',
      'a/changed.proto': '',
    });
    expect(places(tree, `${home.path}/a/it.proto`)).toEqual([
      'a/it.proto new',
      'a/same.proto same',
      'a/changed.proto changed',
    ]);
  });

  it('is the folder of its package if it would be alone at the top, and the top if a neighbour imports it from there', () => {
    using tree = inTree({ 'proto/a/v1/there.proto': 'package a.v1;' });
    using home = new Folder({ 'alone.proto': 'package a.v1;', 'there.proto': 'package a.v1;' });
    expect(places(tree, `${home.path}/alone.proto`)).toEqual(['a/v1/alone.proto new']);
    expect(places(tree, `${home.path}/there.proto`)).toEqual(['a/v1/there.proto same']);
    const other = home.write('other.proto', 'package b; import "alone.proto";');
    expect(places(tree, `${home.path}/alone.proto`)).toEqual(['alone.proto new']);
    expect(places(tree, other)).toEqual(['other.proto new', 'alone.proto new']);
  });

  it("is its former place, and not that of another service's file of this name", () => {
    using tree = inTree({ 'proto/top.proto': 'package a.v1; // older' });
    using home = new Folder({ 'top.proto': 'package a.v1;' });
    expect(places(tree, `${home.path}/top.proto`)).toEqual(['a/v1/top.proto new']);
    expect(places(tree, `${home.path}/top.proto`, ['top.proto'])).toEqual(['top.proto changed']);
    expect(places(tree, `${tree.path}/proto/top.proto`)).toEqual(['top.proto same']);
  });
});
