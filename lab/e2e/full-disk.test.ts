import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { openLog } from '../../packages/rondo/src/launch/data-folder.js';
import { console } from '../../packages/rondo/src/terminal/console.js';

let data: string;
let file: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'rondo-full-disk-'));
  mkdirSync(path.join(data, 'logs'));
  file = path.join(data, 'logs/a-1.log');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(data, { recursive: true });
});

/** What keeps a log from being written, as a full disk does: each write to that device is ENOSPC. */
const obstacles: [string, () => void, string][] = [
  ['can not be opened', () => mkdirSync(file), 'EISDIR'],
  ...(existsSync('/dev/full')
    ? [['has no room', () => symlinkSync('/dev/full', file), 'ENOSPC'] satisfies [string, () => void, string]]
    : []),
];

describe.each(obstacles)("a launcher's log that %s", (_what, obstruct, code) => {
  it('drops lines and counts them; it goes on when the file can be written', async () => {
    const warn = jest.spyOn(console, 'warn').mockReturnValue(undefined);
    obstruct();
    const log = openLog(data, 'a-1', { append: true, retryMs: 0 });
    try {
      let written = 0;
      const write = () => {
        written += 1;
        log.write(`line ${written}`);
      };
      write();
      write();
      while (warn.mock.calls.length === 0) await setImmediate();
      write();
      expect(warn.mock.calls).toEqual([[`${file} can't be written (${code}): lines are dropped until it can`]]);
      rmSync(file, { recursive: true });
      while (!existsSync(file) || !readFileSync(file, 'utf8').includes('missing')) {
        write();
        await setImmediate();
      }
      const [, dropped = ''] =
        /^(\d+) lines are missing: the file couldn't be written \((?:ENOSPC|EISDIR)\)$/m.exec(
          readFileSync(file, 'utf8'),
        ) ?? [];
      expect(Number(dropped)).toBeGreaterThanOrEqual(2);
      expect(readFileSync(file, 'utf8')).toContain(
        `missing: the file couldn't be written (${code})\nline ${Number(dropped) + 1}\n`,
      );
      expect(warn).toHaveBeenCalledTimes(1);
    } finally {
      log.end();
    }
  });
});
