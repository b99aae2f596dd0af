import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { root, runNode } from '@rondo/harness';
import { examineRepository } from '../../packages/rondo/src/doctor/checks.js';
import { ok } from '../../packages/rondo/src/doctor/finding.js';
import { built, callers } from '../../packages/rondo/src/doctor/workspace.js';
import { toolModule } from './src/tool-module.js';

let machine: string;
beforeAll(async () => {
  machine = await toolModule('doctor/machine.ts');
});

it('a check of the doctor that takes the processor makes no other late: it begins when the one before has ended', async () => {
  const order: string[] = [];
  const check = (name: string) => async () => {
    order.push(`${name} begins`);
    await readFile(join(root, 'LICENSE'));
    order.push(`${name} ends`);
    return ok('was read');
  };
  const all = { disk: check('disk'), packages: check('packages') };
  const found = [];
  for await (const finding of examineRepository({ data: root, environment: {} }, { all })) found.push(finding);
  expect(order).toEqual(['disk begins', 'disk ends', 'packages begins', 'packages ends']);
  expect(found).toMatchObject([{ name: 'disk' }, { name: 'packages', state: 'ok', detail: 'was read' }]);
});

it('a build that has just been made lacks no file', async () => {
  expect((await built()).detail).not.toContain('missing');
});

it('says where every caller may call what the contracts restrict', async () => {
  const subject = { data: mkdtempSync(join(tmpdir(), 'rondo-doctor-')), environment: {} };
  expect(await callers(subject)).toEqual({
    state: 'note',
    detail: expect.stringMatching(
      /^RONDO_AUTH is off in npm start without --auth, docker-compose\.yml, \S+development\/kustomization\.yaml: every caller may call \d+ methods of projects\.v1, sales\.v1 /,
    ),
  });
  const launcher = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', 'packages/rondo/dist/main.mjs']);
  await once(launcher, 'spawn');
  writeFileSync(join(subject.data, 'launcher.json'), JSON.stringify({ pid: launcher.pid, auth: true }));
  const { detail } = await callers(subject);
  launcher.kill('SIGKILL');
  rmSync(subject.data, { recursive: true });
  expect(detail).toMatch(/^RONDO_AUTH is on in the system that runs, and off in docker-compose\.yml, /);
});

it('rondo dev without watches is found, with the remedy', async () => {
  const shortage = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    fs.watch = () => { throw Object.assign(new Error('no more'), { code: 'ENOSPC' }); };
    syncBuiltinESMExports();
    const { watches } = await import(${JSON.stringify(machine)});
    console.log(JSON.stringify(watches()));`;
  const { stdout } = await runNode(['--input-type=module', '--eval', shortage]);
  expect(JSON.parse(stdout)).toEqual({
    state: 'warn',
    detail: "rondo dev can't start: no more folders can be watched (ENOSPC)",
    remedy: expect.stringContaining('sudo sysctl fs.inotify.max_user_watches='),
  });
});

it('an account that may not have the threads of a system is found, with the remedy', async () => {
  const ask = `process.getuid = () => 1000;
    const { threads } = await import(${JSON.stringify(machine)});
    console.log(JSON.stringify(await threads()));`;
  const bin = mkdtempSync(join(tmpdir(), 'rondo-doctor-'));
  const find = async (limit: string) => {
    writeFileSync(join(bin, 'bash'), `#!/bin/sh\n[ "$*" = '-c ulimit -u' ] && echo ${limit}\n`, { mode: 0o755 });
    const { stdout } = await runNode(['--input-type=module', '--eval', ask], {
      env: { PATH: `${bin}:${process.env['PATH']}` },
    });
    return JSON.parse(stdout);
  };
  try {
    expect(await find('unlimited')).toEqual({ state: 'ok', detail: 'no limit' });
    expect(await find('400')).toMatchObject({ state: 'ok' });
    expect(await find('120')).toEqual({
      state: 'warn',
      detail: expect.stringMatching(/^120 for all processes of this account: each of Rondo's processes takes 11/),
      remedy: 'ulimit -u 400',
    });
  } finally {
    rmSync(bin, { recursive: true });
  }
});

it('an account without a home, with which npm ends, is found with the remedy', async () => {
  const homeless = `import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    os.homedir = () => { throw new Error('uv_os_homedir returned ENOENT'); };
    syncBuiltinESMExports();
    const { npm } = await import(${JSON.stringify(machine)});
    console.log(JSON.stringify(await npm()));`;
  const { stdout } = await runNode(['--input-type=module', '--eval', homeless], { env: { PATH: '/nowhere' } });
  expect(JSON.parse(stdout)).toMatchObject({ state: 'fail', remedy: 'export HOME=/tmp' });
});

describe('a clone that git', () => {
  let clone: string;
  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'rondo-doctor-'));
  });
  afterEach(() => rmSync(clone, { recursive: true, force: true }));

  const find = async (...commands: readonly (readonly string[])[]) => {
    for (const args of commands) execFileSync('git', args, { cwd: clone, env: { PATH: process.env['PATH'] } });
    const { git } = await import(pathToFileURL(await toolModule('doctor/machine.ts', clone)).href);
    return git();
  };

  it('knows is fine', async () => {
    expect(await find(['init', '--quiet'])).toMatchObject({ state: 'ok' });
  });

  it('takes for bare, as a test in a hook left it, is found with the remedy', async () => {
    const remedy = 'git config core.bare false';
    expect(await find(['init', '--quiet'], ['config', 'core.bare', 'true'])).toMatchObject({ state: 'fail', remedy });
  });

  it('refuses, as it belongs to another account, is found with the remedy', async () => {
    process.env['GIT_TEST_ASSUME_DIFFERENT_OWNER'] = '1'; // git's own tests use it
    const found = await find(['init', '--quiet']).finally(() => delete process.env['GIT_TEST_ASSUME_DIFFERENT_OWNER']);
    const detail = 'refuses a repository of another account';
    const remedy = expect.stringMatching(/^git config --global --add safe\.directory \S+$/);
    expect(found).toMatchObject({ state: 'fail', detail, remedy });
  });

  it('does not know, as an archive, learns what it lacks', async () => {
    const remedy = 'git init && git add . && git commit -m Start';
    expect(await find()).toMatchObject({ state: 'note', remedy });
  });
});
