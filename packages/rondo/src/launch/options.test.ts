import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { requirePlugins } from './options.js';

const workspace = mkdtempSync(path.join(tmpdir(), 'rondo-plugins-'));
afterAll(() => rmSync(workspace, { recursive: true }));

const write = (file: string, manifest: object) => {
  mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
  writeFileSync(path.join(workspace, file), JSON.stringify(manifest));
};

it('names the command that adds the plugins which an option needs and a service lacks', () => {
  write('package.json', {});
  write('services/a/package.json', { dependencies: { '@rondo/authentication': '0.2.0' } });
  write('services/b/package.json', {});
  expect(() => requirePlugins({ auth: false, observe: false }, workspace)).not.toThrow();
  expect(() => requirePlugins({ auth: true, observe: true }, workspace)).toThrow(
    '--auth, --observe: services lack plugins; run ./rondo add authentication telemetry, and start again',
  );
  write('services/b/package.json', { dependencies: { '@rondo/authentication': '0.2.0' } });
  expect(() => requirePlugins({ auth: true, observe: false }, workspace)).not.toThrow();
  expect(() => requirePlugins({ auth: true, observe: true }, workspace)).toThrow('run ./rondo add telemetry');
});
