import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scan } from './scan.js';
import { type Closure, closureFrom, inferRoot } from './source.js';

/** Finds the imports of a file, given the texts of all files by path. */
function searchIn(files: Readonly<Record<string, string>>) {
  const read = (file: string, root: string) => {
    const text = files[file];
    if (text === undefined) return undefined;
    return { path: path.relative(root, file), file, bytes: Buffer.from(text), scan: scan(text) };
  };
  return {
    provides: (name: string) => name.startsWith('google/'),
    read,
    fallback: (name: string) => read(path.join('/tree/proto', name), '/tree/proto'),
    roots: [],
  };
}

const namesOf = ({ start, imports }: Closure) => [start.path, ...imports.map((file) => file.path)];

describe('the folder that imports start from', () => {
  it('is the one under which a file lies in the folder of its package', () => {
    const files = { '/home/me/protos/a/b/v1/s.proto': 'package a.b.v1;' };
    expect(namesOf(inferRoot('/home/me/protos/a/b/v1/s.proto', searchIn(files)))).toEqual(['a/b/v1/s.proto']);
  });

  it('is the nearest for a file elsewhere; files of packages need no folder', () => {
    const text = 'package a.b.v1; import "google/type/money.proto"; import "t.proto";';
    const found = inferRoot('/home/me/s.proto', searchIn({ '/home/me/s.proto': text, '/home/me/t.proto': '' }));
    expect(namesOf(found)).toEqual(['s.proto', 't.proto']);
    expect(found.missing).toEqual([]);
  });

  it('is one from which all imports and their imports are found', () => {
    const search = searchIn({
      '/w/api/x/s.proto': 'package s; import "api/x/t.proto";',
      '/w/api/x/t.proto': 'import public "lib/u.proto";',
      '/w/lib/u.proto': '',
      '/w/api/lib/v.proto': '',
    });
    expect(namesOf(inferRoot('/w/api/x/s.proto', search))).toEqual(['api/x/s.proto', 'api/x/t.proto', 'lib/u.proto']);
  });

  it('may lack files of the repository or of another given folder', () => {
    const search = searchIn({
      '/w/s.proto': 'import "a/v1/a.proto"; import "b/v1/b.proto";',
      '/tree/proto/a/v1/a.proto': '',
      '/lib/b/v1/b.proto': '',
    });
    const { missing, ...found } = inferRoot('/w/s.proto', { ...search, roots: ['/lib'] });
    expect(namesOf({ ...found, missing })).toEqual(['s.proto', 'a/v1/a.proto', 'b/v1/b.proto']);
    expect(missing).toEqual([]);
  });

  it('is above the importing file for each import, if no single folder has all', () => {
    const search = searchIn({
      '/w/api/x/s.proto': 'package x; import "t.proto"; import "common/c.proto"; import "google/type/money.proto";',
      '/w/api/x/t.proto': '',
      '/w/common/c.proto': 'import public "base.proto"; import "common/d.proto"; import "t.proto";',
      '/w/common/base.proto': '',
      '/w/common/d.proto': '',
    });
    const found = inferRoot('/w/api/x/s.proto', search);
    const names = ['x/s.proto', 't.proto', 'common/c.proto', 'base.proto', 'common/d.proto'];
    expect({ names: namesOf(found), missing: found.missing, clashes: found.clashes }).toEqual({
      names,
      missing: [],
      clashes: [],
    });
    expect(found.imports.map(({ file }) => file)).toContain('/w/common/base.proto');
  });

  it('is above the file rather than the repository, so that a different version there is noticed', () => {
    const search = searchIn({
      '/w/api/s.proto': 'package s; import "common/c.proto"; import "tree/v1/u.proto";',
      '/w/common/c.proto': 'import "common/d.proto";',
      '/w/common/d.proto': '',
      '/tree/proto/common/c.proto': 'import "common/d.proto";',
      '/tree/proto/common/d.proto': '// another',
      '/tree/proto/tree/v1/u.proto': '',
    });
    const { start, imports, missing } = inferRoot('/w/api/s.proto', search);
    expect({ start: start.path, files: imports.map(({ file }) => file), missing }).toEqual({
      start: 'api/s.proto',
      files: ['/w/common/c.proto', '/tree/proto/tree/v1/u.proto', '/w/common/d.proto'],
      missing: [],
    });
  });

  it('is the one that the path of an earlier version tells, if there is one', () => {
    const search = searchIn({
      '/w/a/b/s.proto': 'import "t.proto";',
      '/w/a/b/t.proto': '',
      '/w/a/t.proto': '// other',
    });
    expect(inferRoot('/w/a/b/s.proto', search).clashes).toHaveLength(1);
    const { start, imports, clashes } = inferRoot('/w/a/b/s.proto', { ...search, known: '/w/a' });
    expect([start.path, imports.map(({ file }) => file), clashes]).toEqual(['b/s.proto', ['/w/a/t.proto'], []]);
  });

  it('reports an import that is another file in a further folder', () => {
    const beside = { '/w/a/s.proto': 'import "t.proto";', '/w/a/t.proto': '// one' };
    expect(inferRoot('/w/a/s.proto', searchIn(beside)).clashes).toEqual([]);
    const clash = { import: { path: 't.proto' }, taken: { file: '/w/a/t.proto' }, found: { file: '/w/t.proto' } };
    expect(inferRoot('/w/a/s.proto', searchIn({ ...beside, '/w/t.proto': '// two' })).clashes).toMatchObject([clash]);
    const scattered = {
      '/w/a/s.proto': 'import "b/t.proto"; import "u.proto";',
      '/w/a/u.proto': '',
      '/w/b/t.proto': 'import "b/c.proto";',
      '/w/b/c.proto': '// one',
      '/w/b/b/c.proto': '// two',
    };
    expect(inferRoot('/w/a/s.proto', searchIn(scattered)).clashes).toMatchObject([
      { importer: { file: '/w/b/t.proto' }, found: { file: '/w/b/b/c.proto' }, taken: { file: '/w/b/c.proto' } },
    ]);
    expect(inferRoot('/w/a/s.proto', { ...searchIn(scattered), roots: ['/w'] }).clashes).toEqual([]);
  });

  it('is the one that has the imports, even if a given folder has them as well', () => {
    const files = { '/w/a/s.proto': 'import "a/t.proto";', '/w/a/t.proto': '', '/lib/a/t.proto': '// given' };
    const { start, imports } = inferRoot('/w/a/s.proto', { ...searchIn(files), roots: ['/lib'] });
    expect([start.path, ...imports.map(({ file }) => file)]).toEqual(['a/s.proto', '/lib/a/t.proto']);
  });

  it('has copies of what packages provide, which are reported and not taken for imports', () => {
    const search = searchIn({ '/w/s.proto': 'import "google/x.proto";', '/w/google/x.proto': '// a copy' });
    expect(inferRoot('/w/s.proto', search)).toMatchObject({
      imports: [],
      copies: [{ import: { path: 'google/x.proto' }, found: { file: '/w/google/x.proto' } }],
    });
  });

  it("stays the one that all imports except the repository's start from", () => {
    const search = searchIn({
      '/w/api/s.proto': 'package s; import "api/t.proto"; import "tree/v1/u.proto";',
      '/w/api/t.proto': '',
      '/tree/proto/tree/v1/u.proto': '',
    });
    expect(namesOf(inferRoot('/w/api/s.proto', search))).toEqual(['api/s.proto', 'api/t.proto', 'tree/v1/u.proto']);
  });

  it('is a given one rather than one above the file', () => {
    const search = searchIn({
      '/w/s.proto': 'import "t.proto";',
      '/w/t.proto': '// beside',
      '/lib/t.proto': '// given',
    });
    const { imports } = inferRoot('/w/s.proto', { ...search, roots: ['/lib'] });
    expect(imports.map(({ file }) => file)).toEqual(['/lib/t.proto']);
    const scattered = searchIn({
      '/w/a/s.proto': 'import "t.proto"; import "b/c.proto";',
      '/w/a/t.proto': '// beside',
      '/w/b/c.proto': 'import "u.proto";',
      '/w/b/u.proto': '',
      '/lib/t.proto': '// given',
    });
    const found = inferRoot('/w/a/s.proto', { ...scattered, roots: ['/lib'] });
    expect(found.imports.map(({ file }) => file)).toEqual(['/lib/t.proto', '/w/b/c.proto', '/w/b/u.proto']);
  });

  it('reports a path that means different files for different importers', () => {
    const files = {
      '/w/a/s.proto': 'import "types.proto"; import "b/c.proto";',
      '/w/a/types.proto': '// one',
      '/w/b/c.proto': '\nimport "types.proto";',
      '/w/b/types.proto': '// two',
    };
    expect(inferRoot('/w/a/s.proto', searchIn(files)).clashes).toMatchObject([
      {
        importer: { file: '/w/b/c.proto' },
        import: { path: 'types.proto', line: 2 },
        found: { file: '/w/b/types.proto' },
        taken: { file: '/w/a/types.proto' },
      },
    ]);
    const alike = { ...files, '/w/b/types.proto': '// one' };
    expect(inferRoot('/w/a/s.proto', searchIn(alike)).clashes).toEqual([]);
    const given = inferRoot('/w/a/s.proto', { ...searchIn(files), roots: ['/w/b'] });
    expect(given.clashes).toEqual([]);
    expect(given.imports.map(({ file }) => file)).toContain('/w/b/types.proto');
  });

  it('reports a file that would be added twice', () => {
    const search = searchIn({
      '/w/a/s.proto': 'import "types.proto"; import "a/t.proto";',
      '/w/a/t.proto': 'import "a/types.proto";',
      '/w/a/types.proto': '',
    });
    expect(inferRoot('/w/a/s.proto', search).clashes).toMatchObject([
      { import: { path: 'a/types.proto' }, found: { file: '/w/a/types.proto' }, taken: { path: 'types.proto' } },
    ]);
  });

  it('is the closest one if an import is missing, and reports the import', () => {
    const search = searchIn({
      '/w/a/v1/s.proto': 'package a.v1;\nimport "a/v1/t.proto";',
      '/w/a/v1/t.proto': '\n\nimport "gone.proto";',
    });
    const { start, missing } = inferRoot('/w/a/v1/s.proto', search);
    expect(start.path).toBe('a/v1/s.proto');
    expect(missing).toMatchObject([{ importer: { path: 'a/v1/t.proto' }, import: { path: 'gone.proto', line: 3 } }]);
  });
});

describe('an import path that leaves its root', () => {
  it('is not followed: the compiler refuses it', () => {
    const text = 'import "../up.proto"; import "/etc/x.proto"; import "./y.proto"; import "a//b.proto";';
    const search = searchIn({ '/w/a/s.proto': text, '/w/up.proto': '', '/w/a/y.proto': '', '/w/a/a/b.proto': '' });
    expect(closureFrom(['/w/a'], '/w/a/s.proto', search)).toMatchObject({ imports: [], missing: [] });
  });
});

describe('given folders', () => {
  it('are searched in their order, as protoc does', () => {
    const search = searchIn({
      '/one/t.proto': '// one',
      '/two/t.proto': '// two',
      '/two/s.proto': 'import "t.proto";',
    });
    const [t] = closureFrom(['/one', '/two'], '/two/s.proto', search)?.imports ?? [];
    expect(t?.file).toBe('/one/t.proto');
    expect(closureFrom(['/one'], '/two/s.proto', search)).toBeUndefined();
  });

  it('may hold files that import each other', () => {
    const search = searchIn({ '/w/s.proto': 'import "t.proto";', '/w/t.proto': 'import "s.proto";' });
    expect(closureFrom(['/w'], '/w/s.proto', search)).toMatchObject({ imports: [{ path: 't.proto' }], missing: [] });
  });
});
