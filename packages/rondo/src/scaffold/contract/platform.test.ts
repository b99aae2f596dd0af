import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../../test/scaffold/folder.js';
import { packageFolders, packageImports } from './platform.js';

describe('the imports that packages provide', () => {
  it("are those of buf.yaml's modules and those built into every compiler", () => {
    using folder = new Folder({
      'buf.yaml': 'modules:\n  - path: proto\n  - path: lib\n    includes: [lib/a]\n    excludes: [lib/a/private]\n',
      'proto/own.proto': '',
      'lib/a/a.proto': '',
      'lib/a/private/b.proto': '',
      'lib/c.proto': '',
    });
    const provides = packageImports(folder.path);
    const asked = [
      'a/a.proto',
      'a/private/b.proto',
      'c.proto',
      'own.proto',
      'a/gone.proto',
      'google/protobuf/any.proto',
    ];
    expect(asked.filter(provides)).toEqual(['a/a.proto', 'google/protobuf/any.proto']);
    expect(packageFolders(folder.path)).toEqual(['lib']);
  });

  it("are refused with the line if buf.yaml can't be parsed", () => {
    using folder = new Folder({ 'buf.yaml': 'version: v2\nmodules: [\n' });
    expect(() => packageImports(folder.path)).toThrow(/^buf\.yaml:\d+: .*; correct it first$/);
  });
});
