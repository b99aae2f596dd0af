import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/folder.js';
import { readImportGraph, withImports } from './import-graph.js';

describe('the import graph', () => {
  it("has what contracts import of each other: what packages bring isn't among it", () => {
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

  it('leads to all that a contract imports, by whatever way, in circles too', () => {
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
