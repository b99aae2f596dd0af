import { describe, expect, it } from '@jest/globals';
import { scan } from './scan.js';

describe('a scan', () => {
  it('finds the package, the imports and what is declared, each with its line', () => {
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

  it('makes something of anything: the compiler judges', () => {
    expect(scan('}}} import "a.proto"; message')).toMatchObject({ imports: [{ path: 'a.proto' }], declarations: [] });
    expect(scan('')).toEqual({ package: '', imports: [], declarations: [] });
    expect(scan('\uFEFFsyntax = "proto3";\r\npackage a;\r\nimport "b.proto";')).toMatchObject({
      package: 'a',
      imports: [{ line: 3 }],
    });
  });
});
