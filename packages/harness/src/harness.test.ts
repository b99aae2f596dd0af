import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { isAlive } from './kill.js';
import { freeBase, freePort } from './ports.js';
import { root, runNode, start } from './process.js';
import { cpuMs } from './usage.js';
import { eventually, until } from './wait.js';
import { startWorker } from './worker.js';

const folder = mkdtempSync(join(tmpdir(), 'rondo-harness-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs until it is killed. */
const ENDLESS = ['--eval', 'console.log("ready"); setInterval(() => undefined, 1_000)'];
const script = (code: string) => start(process.execPath, ['--eval', code]);

describe('start', () => {
  it('gives what a process prints, and how it ends', async () => {
    const running = script('console.log("out"); console.error("err"); process.exitCode = 3');
    expect(await running.ended).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(running.hasEnded).toBe(true);
  });

  it('runs in the repository, with variables over those of this process and without its NODE_OPTIONS', async () => {
    const code = 'console.log(process.cwd() + "/", process.env.EXTRA, process.env.PATH, process.env.NODE_OPTIONS)';
    const { stdout } = await start(process.execPath, ['--eval', code], { env: { EXTRA: 'yes', PATH: undefined } })
      .ended;
    expect(stdout).toBe(`${root} yes undefined \n`);
  });

  it('waits for what a process prints, and fails if it ends before', async () => {
    const running = start(process.execPath, ENDLESS);
    expect((await running.printed(/re(a)dy/))[1]).toBe('a');
    expect(await script('console.error("failed")').printed(/failed/)).not.toBeNull();
    expect(await running.stop()).toMatchObject({ code: null });
    await expect(running.printed(/never/)).rejects.toThrow('has ended: ready');
  });

  it('kills a process that is frozen and does not end by SIGTERM', async () => {
    const running = start(process.execPath, ENDLESS);
    await running.printed(/ready/);
    running.signal('SIGSTOP');
    await running.stop('SIGKILL');
    expect(isAlive(running.pid)).toBe(false);
  });

  it('hands lines to a listener', async () => {
    const running = script('process.stdout.write("one\\ntw"); setTimeout(() => console.log("o"), 50)');
    const lines: string[] = [];
    running.onLine((line) => lines.push(line));
    await running.ended;
    expect(lines).toEqual(['one', 'two']);
  });

  it('reads a log file from where this process began to write', async () => {
    const logFile = join(folder, 'log');
    writeFileSync(logFile, 'ready, says an earlier one\n');
    const running = start(process.execPath, ENDLESS, { logFile });
    await running.printed(/^ready$/m);
    expect((await running.stop()).stdout).toBe('ready\n');
  });

  it('rejects a program that is not there', async () => {
    await expect(start('no-such-program', []).ended).rejects.toThrow('ENOENT');
  });

  it('kills what a process has started, and what that has started, when the process exits', async () => {
    const module = pathToFileURL(join(root, 'packages/harness/dist/process.js')).href;
    const code = `import { start } from ${JSON.stringify(module)};
      const endless = ${JSON.stringify(ENDLESS[1])};
      const child = start('/bin/sh', ['-c', '"$0" --eval "$1" & echo pid $!; wait', process.execPath, endless]);
      await child.printed(/ready/);
      const [, grandchild] = await child.printed(/pid (\\d+)/);
      child.signal('SIGSTOP');
      console.log([child.pid, grandchild].join());
      process.exit(0);`;
    const { stdout } = await runNode(['--input-type=module', '--eval', code]);
    const pids = stdout.trim().split(',').map(Number);
    expect(pids).toEqual([expect.any(Number), expect.any(Number)]);
    await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
  });
});

describe('startWorker', () => {
  const file = join(folder, 'worker.mjs');
  writeFileSync(
    file,
    `import { answerParent } from ${JSON.stringify(pathToFileURL(join(root, 'packages/harness/dist/worker.js')).href)};
     answerParent({
       double: (value) => value * 2n,
       fail() { throw new RangeError('too much'); },
       environment: () => [process.env.RONDO_ZONE, process.env.OWN],
       wait: () => new Promise(() => undefined),
     });`,
  );

  it('carries out commands, and rejects with what they throw', async () => {
    process.env.RONDO_ZONE = 'of the caller';
    const worker = startWorker(pathToFileURL(file), { env: { OWN: 'yes' } });
    expect(await worker.ask('double', 21n)).toBe(42n);
    expect(await worker.ask('environment')).toEqual([undefined, 'yes']);
    await expect(worker.ask('fail')).rejects.toThrow('RangeError: too much');
    await expect(worker.ask('nothing')).rejects.toThrow('no such command');
    const waiting = worker.ask('wait');
    const rejected = expect(waiting).rejects.toThrow('the worker has ended: SIGKILL');
    await worker.close();
    await rejected;
    await expect(worker.ask('double', 1n)).rejects.toThrow('the worker has ended before "double"');
  });
});

describe('free ports', () => {
  it('are given once, and pass over a port in use', async () => {
    const first = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(first + 1, '127.0.0.1', resolve));
    const second = await freePort();
    expect(second).toBeGreaterThan(first + 1);
    await new Promise((resolve) => server.close(resolve));
  });

  it('come in ranges that do not overlap', async () => {
    const [one, other] = [await freeBase(), await freeBase(100)];
    expect(other >= one + 40 || other + 120 <= one).toBe(true);
  });
});

describe('waiting', () => {
  it('ends with the first attempt that does not throw', async () => {
    let attempts = 0;
    const attempt = () => {
      attempts += 1;
      if (attempts < 3) throw new Error('not yet');
      return attempts;
    };
    expect(await eventually(attempt)).toBe(3);
  });

  it('fails with what the last attempt threw, and says what it waited for', async () => {
    const never = () => {
      throw new Error('not yet');
    };
    await expect(eventually(never, { timeoutMs: 1 })).rejects.toThrow('not yet');
    await expect(until(never, { what: 'it is there', timeoutMs: 1 })).rejects.toMatchObject({
      message: 'not within 1 ms: it is there',
      cause: new Error('not yet'),
    });
    await expect(until(() => undefined, { what: 'it is there', timeoutMs: 1 })).rejects.toThrow('it is there');
  });
});

(process.platform === 'linux' ? it : it.skip)(
  'counts the processor time of a process and of its children',
  async () => {
    const code = `const { spawnSync } = require('node:child_process');
    spawnSync(process.execPath, ['--eval', 'const end = Date.now() + 300; while (Date.now() < end);']);
    console.log('ready'); setInterval(() => undefined, 1_000)`;
    const running = script(code);
    await running.printed(/ready/);
    const own = cpuMs(running.pid);
    expect(own).toBeGreaterThan(0);
    expect(cpuMs(running.pid, { children: true })).toBeGreaterThan(own);
    await running.stop();
    expect(cpuMs(running.pid)).toBe(0);
  },
);
