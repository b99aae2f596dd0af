import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startFakeLauncher } from './fake-launcher.js';
import { type RunOptions, rondo } from './recording-context.js';

const URL_ROW = { name: 'billing', address: 'postgres://billing:secret@127.0.0.1:50059/billing', services: [] };
const ROW = { name: 'billing-1', address: '127.0.0.1:50060', services: ['billing.v1.BillingService'] };

let launcher: Awaited<ReturnType<typeof startFakeLauncher>>;
let answer: object;

/** A launcher that has the database of billing, and replies `answer` to a reset. */
beforeEach(async () => {
  answer = { event: 'done', rows: [ROW] };
  launcher = await startFakeLauncher(({ command }) => [
    command === 'database' ? { event: 'done', rows: [URL_ROW] } : answer,
  ]);
});
afterEach(() => launcher.stop());

const requests = () => launcher.requests().map(({ command }) => command);
const db = (args: readonly string[], options: RunOptions = {}) =>
  rondo(['db', ...args], { dataDirectory: launcher.data, ...options });

describe('rondo db', () => {
  it.each([
    ['drop', 'billing', '--yes'],
    ['reset', '--yes'],
  ])('refuses %s %s, and asks the launcher for nothing', async (...args) => {
    expect((await db(args)).exitCode).toBe(2);
    expect(requests()).toEqual([]);
  });

  it('asks before it removes data, and does nothing without a yes', async () => {
    for (const stdin of [['n\n'], ['\n'], []]) {
      const { exitCode, stderr } = await db(['reset', 'billing'], { stdin });
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('Nothing was changed') });
    }
    expect(requests()).toEqual(['database', 'database', 'database']);
  });

  it.each([
    [['--yes'], []],
    [[], ['y', 'es\n']],
  ])('resets with %j and the answer %j', async (more, stdin) => {
    const { exitCode, stdout } = await db(['reset', 'billing', ...more], { stdin });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'billing-1 runs with an empty database\n' });
    expect(requests()).toEqual(['database', 'reset']);
  });

  it('names the address if psql is not installed', async () => {
    const { exitCode, stderr } = await db(['shell', 'billing'], { environment: { PATH: launcher.data } });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('psql is not installed');
    expect(stderr).toContain('postgres://billing@127.0.0.1:50059/billing');
    expect(stderr).not.toContain('secret');
  });

  it('runs psql with the address of the service, and with no other variable of PostgreSQL', async () => {
    const seen = path.join(launcher.data, 'seen');
    writeFileSync(path.join(launcher.data, 'psql'), `#!/bin/sh\nenv | grep ^PG | sort > ${seen}\nexit 3\n`, {
      mode: 0o755,
    });
    const environment = { PATH: `${launcher.data}:${process.env['PATH']}`, PGSSLMODE: 'require', PGDATABASE: 'other' };
    expect((await db(['shell', 'billing'], { environment })).exitCode).toBe(3);
    expect(readFileSync(seen, 'utf8')).toBe(
      'PGDATABASE=billing\nPGHOST=127.0.0.1\nPGPASSWORD=secret\nPGPORT=50059\nPGUSER=billing\n',
    );
  });
});
