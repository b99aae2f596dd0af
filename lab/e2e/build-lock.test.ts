import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { start } from '@rondo/harness';
import { toolModule, writeTool } from './src/tool-module.js';

let clone: string;
let lock: string;

beforeEach(async () => {
  clone = mkdtempSync(join(tmpdir(), 'rondo-build-lock-'));
  writeTool(clone, { cli: "console.log('rondo ran');" });
  lock = await toolModule('workspace/lock.ts', clone);
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

const rondo = () => start(process.execPath, [join(clone, 'scripts/rondo.mjs'), 'ps']);

/** A command that holds the lock of builds until it ends. */
async function startBuild() {
  const script = `import { withBuild } from ${JSON.stringify(lock)};
    await withBuild('compile', () => new Promise((resolve) => { console.log('builds'); process.stdin.on('data', resolve); }));
    process.exit();`;
  const build = start(process.execPath, ['--input-type=module', '--eval', script], { input: true });
  await build.printed(/builds/);
  return build;
}

it('rondo waits for the build of another command, and says for what', async () => {
  const build = await startBuild();
  const waiting = rondo();
  await waiting.printed(/…\n/);
  expect(waiting.output()).toEqual({
    stdout: '',
    stderr: `Waiting for another command's step "compile" (process ${build.pid}) …\n`,
  });
  build.process.stdin?.write('end\n');
  expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'rondo ran\n' });
  await build.ended;
});

it('a build that was killed keeps no lock', async () => {
  const build = await startBuild();
  await build.stop('SIGKILL');
  expect(await rondo().ended).toMatchObject({ code: 0, stdout: 'rondo ran\n', stderr: '' });
});
