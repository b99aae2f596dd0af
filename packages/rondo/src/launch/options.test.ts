import { expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { requirePlugins } from './options.js';

it('names the command that adds the plugins which an option needs and a service lacks', () => {
  using workspace = new Folder();
  const write = (file: string, manifest: object) => workspace.write(file, JSON.stringify(manifest));
  write('package.json', {});
  write('services/a/package.json', { dependencies: { '@rondo/authentication': '0.2.0' } });
  write('services/b/package.json', {});
  expect(() => requirePlugins({ auth: false, observe: false }, workspace.path)).not.toThrow();
  expect(() => requirePlugins({ auth: true, observe: true }, workspace.path)).toThrow(
    '--auth, --observe: services lack plugins; run ./rondo add authentication telemetry, and start again',
  );
  write('services/b/package.json', { dependencies: { '@rondo/authentication': '0.2.0' } });
  expect(() => requirePlugins({ auth: true, observe: false }, workspace.path)).not.toThrow();
  expect(() => requirePlugins({ auth: true, observe: true }, workspace.path)).toThrow('run ./rondo add telemetry');
});
