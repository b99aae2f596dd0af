import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { newFile } from '../../../test/scaffold/staged.js';
import { placeFiles } from './place.js';

/** The places of files in `tree`, and how they compare with the existing files. */
function placesIn(tree: Folder, [start, ...imports]: readonly [string, ...string[]], served: readonly string[] = []) {
  const source = (name: string) => newFile(name, 'package a.v1;').source;
  const { asked, files } = placeFiles(tree.path, { start: source(start), imports: imports.map(source) }, served);
  expect(files[0]).toBe(asked);
  return files.map((file) => `${file.path} ${file.state}`);
}

describe('the place of a contract', () => {
  it('is its import path, new, the same or changed', () => {
    using tree = new Folder({ 'proto/a/same.proto': 'package a.v1;', 'proto/a/changed.proto': 'package a.v1; // old' });
    expect(placesIn(tree, ['a/new.proto', 'a/same.proto', 'a/changed.proto'])).toEqual([
      'a/new.proto new',
      'a/same.proto same',
      'a/changed.proto changed',
    ]);
  });

  it('is the folder of its package if it would be alone at the top', () => {
    using tree = new Folder({ 'proto/a/v1/there.proto': 'package a.v1;' });
    expect(placesIn(tree, ['alone.proto', 'b/b.proto'])).toEqual(['a/v1/alone.proto new', 'b/b.proto new']);
    expect(placesIn(tree, ['there.proto'])).toEqual(['a/v1/there.proto same']);
    expect(placesIn(tree, ['one.proto', 'two.proto'])).toEqual(['one.proto new', 'two.proto new']);
  });

  it('is the top if a neighbour imports it from there', () => {
    using elsewhere = new Folder({
      'router.proto': 'import "lightning.proto";',
      'other.proto': 'import "more.proto";',
    });
    using tree = new Folder();
    const place = (name: string) => {
      const { source } = newFile(name, 'package lnrpc;');
      const start = { ...source, file: elsewhere.write(name, 'package lnrpc;') };
      return placeFiles(tree.path, { start, imports: [] }).asked.path;
    };
    expect(place('lightning.proto')).toBe('lightning.proto');
    expect(place('alone.proto')).toBe('lnrpc/alone.proto');
  });

  it("is its former place, and not that of another service's file of this name", () => {
    using tree = new Folder({ 'proto/top.proto': '// older' });
    expect(placesIn(tree, ['top.proto'])).toEqual(['a/v1/top.proto new']);
    expect(placesIn(tree, ['top.proto'], ['top.proto'])).toEqual(['top.proto changed']);
    const { source } = newFile('top.proto', '// older');
    const own = { ...source, file: `${tree.path}/proto/top.proto` };
    expect(placeFiles(tree.path, { start: own, imports: [] }).asked).toMatchObject({
      path: 'top.proto',
      state: 'same',
    });
  });
});
