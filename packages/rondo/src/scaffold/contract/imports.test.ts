import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { importsIn, packageIn, readImportGraph, withImports } from './imports.js';

const TEXT = `// import "comment.proto";
/* package no;
   import "no.proto"; */
syntax = "proto3"; package a.b.v1; // spaces are allowed

import "one.proto"; import public
  'two.proto';
import option "four.proto";

option go_package = "https://x; import \\"five.proto\\"";
service Greeter { rpc Say(M) returns (M) { option (google.api.http) = {get: "/v1/*/say" additional_bindings {get: "/v2/*"}}; } }
import weak "six.proto";
message M { string import = 1; }
`;

describe('what is read of a contract before it is compiled', () => {
  it('is its package, and its imports with their lines', () => {
    expect(packageIn(TEXT)).toBe('a.b.v1');
    expect(importsIn(TEXT)).toEqual([
      { path: 'one.proto', line: 6 },
      { path: 'two.proto', line: 6 },
      { path: 'four.proto', line: 8 },
      { path: 'six.proto', line: 12 },
    ]);
  });

  it('is nothing of what is no contract: errors are left to the compiler', () => {
    expect([packageIn(''), importsIn('')]).toEqual(['', []]);
    expect(importsIn('}}} import "a.proto"; message')).toEqual([{ path: 'a.proto', line: 1 }]);
    expect(importsIn('\uFEFFsyntax = "proto3";\r\npackage a;\r\nimport "b.proto";')).toEqual([
      { path: 'b.proto', line: 3 },
    ]);
  });
});

describe('the import graph', () => {
  it('contains the imports between contracts, without those of packages', () => {
    using folder = new Folder({
      'proto/a/a.proto': 'import "b/b.proto"; import "google/type/money.proto";',
      'proto/b/b.proto': '',
      'proto/b/README.md': 'import "a/a.proto";',
    });
    const graph = [
      ['a/a.proto', ['b/b.proto']],
      ['b/b.proto', []],
    ] as const;
    expect([...readImportGraph(folder.path)]).toEqual(graph);
  });

  it('leads to all direct and indirect imports, even in cycles', () => {
    const graph = new Map([
      ['a.proto', ['b.proto']],
      ['b.proto', ['c.proto']],
      ['c.proto', ['b.proto']],
      ['d.proto', ['a.proto']],
    ]);
    expect([...withImports(graph, ['a.proto', 'gone.proto'])]).toEqual(['a.proto', 'b.proto', 'c.proto']);
    expect([...withImports(graph, [])]).toEqual([]);
  });
});
