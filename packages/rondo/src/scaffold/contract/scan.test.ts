import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { readImportGraph, scan, withImports } from './scan.js';

describe('a scan', () => {
  it('finds the package, the imports and the declarations, each with its line', () => {
    const text = `// import "comment.proto";
/* package no;
   import "no.proto"; */
syntax = "proto3";

package a . b.v1; // spaces are allowed

import "one.proto";
import public
  'two.proto';
import weak "three" ".proto";
import option "four.proto";

option go_package = "x; import \\"five.proto\\";";

message Outer {
  message Inner {}
  string import = 1;
}
enum Colour { RED = 0; }
service Greeter { rpc SayHello(Outer) returns (Outer) { option deprecated = true; } }
`;
    expect(scan(text)).toEqual({
      package: 'a.b.v1',
      imports: [
        { path: 'one.proto', line: 8 },
        { path: 'two.proto', line: 9 },
        { path: 'three.proto', line: 11 },
        { path: 'four.proto', line: 12 },
      ],
      declarations: [
        { kind: 'message', name: 'Outer', line: 16 },
        { kind: 'enum', name: 'Colour', line: 20 },
        { kind: 'service', name: 'Greeter', line: 21 },
      ],
    });
  });

  it('never fails: errors are left to the compiler', () => {
    expect(scan('}}} import "a.proto"; message')).toMatchObject({ imports: [{ path: 'a.proto' }], declarations: [] });
    expect(scan('')).toEqual({ package: '', imports: [], declarations: [] });
    expect(scan('\uFEFFsyntax = "proto3";\r\npackage a;\r\nimport "b.proto";')).toMatchObject({
      package: 'a',
      imports: [{ line: 3 }],
    });
  });
});

describe('the import graph', () => {
  it('contains the imports between contracts, without those of packages', () => {
    using folder = new Folder({
      'proto/a/a.proto': 'import "b/b.proto"; import "google/type/money.proto";',
      'proto/b/b.proto': '',
      'proto/b/README.md': 'import "a/a.proto";',
    });
    expect(readImportGraph(folder.path)).toEqual(
      new Map([
        ['a/a.proto', ['b/b.proto']],
        ['b/b.proto', []],
      ]),
    );
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
