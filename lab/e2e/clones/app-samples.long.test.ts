import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { freeBase, root, runNode, start } from '@rondo/harness';
import { ask } from '../../../e2e/src/front-door.js';

const parent = mkdtempSync(join(process.env['TMPDIR_ON_DISK'] ?? tmpdir(), 'rondo samples '));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

it('an app with the samples passes their tests and its checks, and serves them', async () => {
  const app = join(parent, 'shop');
  const created = await runNode([join(root, 'scripts/run.mjs'), 'create', app, '--samples'], { cwd: root });
  expect(created).toMatchObject({ code: 0 });
  const checked = await runNode(['rondo', 'check'], { cwd: app });
  expect(checked.stdout.match(/^ {2}failed: .*$/gm)).toBeNull();
  expect(await runNode(['rondo', 'test'], { cwd: app })).toMatchObject({ code: 0 });

  const base = await freeBase();
  const launcher = start(process.execPath, ['rondo', 'start', '--port-base', String(base)], { cwd: app });
  await launcher.printed(/Rondo is up/);
  const added = await ask(`http://127.0.0.1:${base + 20}/add`, { body: '{"a":1,"b":2}' });
  expect(added.text).toBe('{"result":3}');
  expect((await ask(`http://127.0.0.1:${base + 20}/v1/products`)).json()).toEqual({ products: [], nextPageToken: '' });
  launcher.signal('SIGTERM');
  expect(await launcher.ended).toMatchObject({ code: 0 });
});
