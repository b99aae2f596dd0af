import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { beginChanges } from './change-set.js';
import { withTreeLock } from './lock.js';

const signal = new AbortController().signal;
const options = { purpose: 'a test', signal };

let root: string;
let file: string;

beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'rondo-lock-'));
  file = path.join(root, '.rondo/tree.lock');
  await mkdir(path.dirname(file));
});

afterEach(() => rmSync(root, { recursive: true }));

const hold = (pid: number | undefined) => writeFileSync(file, JSON.stringify({ pid, purpose: 'rondo dev' }));

/** A process that does nothing until it is killed. */
async function startProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--eval', 'process.stdin.resume(); console.log("up")']);
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  await once(child, 'close');
}

describe('withTreeLock', () => {
  it('names the holder in the lock file during the work, and removes the file afterwards', async () => {
    const result = await withTreeLock(root, options, async () => {
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, purpose: 'a test' });
      return 'done';
    });
    expect(result).toBe('done');
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });

  it('first undoes the changes of a holder that was killed', async () => {
    const killed = beginChanges(root);
    killed.write('half.txt', 'done');
    const onRecovered = jest.fn();
    await withTreeLock(root, { ...options, onRecovered }, async () => {
      expect(existsSync(path.join(root, 'half.txt'))).toBe(false);
    });
    await withTreeLock(root, { ...options, onRecovered }, async () => undefined);
    expect(onRecovered).toHaveBeenCalledTimes(1);
    killed.keep();
  });

  it('releases the lock when the work fails', async () => {
    await expect(withTreeLock(root, options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(file)).toBe(false);
  });

  it('admits one caller at a time, even if many wait', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    hold(spawnedAndGone());
    await Promise.all(Array.from({ length: 8 }, () => withTreeLock(root, options, work)));
    expect(most).toBe(1);
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });

  it('waits for a running process, reports it once, and takes over when it has died', async () => {
    const child = await startProcess();
    hold(child.pid);
    const waits: string[] = [];
    const onWait = (holder: string) => {
      waits.push(holder);
      child.kill();
    };
    await expect(withTreeLock(root, { ...options, onWait }, async () => 'mine')).resolves.toBe('mine');
    expect(waits).toEqual([`rondo dev (process ${child.pid})`]);
  });

  it('gives up at its timeout and names the holder, after it reported the wait once', async () => {
    const child = await startProcess();
    hold(child.pid);
    const onWait = jest.fn();
    await expect(withTreeLock(root, { ...options, onWait, timeoutMs: 120 }, async () => undefined)).rejects.toThrow(
      `the tree is in use by rondo dev (process ${child.pid}); try again once it is done`,
    );
    expect(onWait).toHaveBeenCalledTimes(1);
    expect(existsSync(file)).toBe(true);
    await end(child);
  });

  it('ends the wait when its signal aborts', async () => {
    const child = await startProcess();
    hold(child.pid);
    const interrupt = new AbortController();
    const waiting = withTreeLock(
      root,
      { purpose: 'a test', signal: interrupt.signal, onWait: () => interrupt.abort() },
      async () => undefined,
    );
    await expect(waiting).rejects.toThrow(/aborted/);
    await end(child);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'recognizes a dead holder by its start time when another process has its id (on Linux only)',
    async () => {
      writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'another boot/1', purpose: 'rondo dev' }));
      await expect(withTreeLock(root, { ...options, timeoutMs: 0 }, async () => 'mine')).resolves.toBe('mine');
    },
  );

  it('is free in the copy of a folder, while the original is locked', async () => {
    const copy = `${root}-copy`;
    try {
      const inBoth = withTreeLock(root, options, async () => {
        cpSync(root, copy, { recursive: true });
        const again = withTreeLock(root, { ...options, timeoutMs: 0 }, async () => 'twice');
        await expect(again).rejects.toThrow(`in use by a test (process ${process.pid})`);
        return withTreeLock(copy, { ...options, timeoutMs: 0 }, async () => 'mine');
      });
      await expect(inBoth).resolves.toBe('mine');
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });

  it('takes over from a process that died while it removed a stale lock', async () => {
    hold(spawnedAndGone());
    writeFileSync(`${file}.removal`, readFileSync(file));
    await expect(withTreeLock(root, options, async () => 'mine')).resolves.toBe('mine');
    expect(readdirSync(path.dirname(file))).toEqual([]);
  });

  it('names a lock file that it cannot read', async () => {
    writeFileSync(file, 'scrawl');
    await expect(withTreeLock(root, options, async () => undefined)).rejects.toThrow(
      `${file} can't be read; remove it if no other command is running here`,
    );
  });
});

/** The id of a process that has ended. */
function spawnedAndGone(): number {
  return spawnSync(process.execPath, ['--eval', '']).pid;
}
