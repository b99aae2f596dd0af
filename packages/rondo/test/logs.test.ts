import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { begin, rondo } from './recording-context.js';

let data: string;
const file = (instance: string) => path.join(data, 'logs', `${instance}.log`);

function line(second: number, msg: string, rest: object = {}): string {
  const time = `2026-11-20T08:00:${String(second).padStart(2, '0')}.000Z`;
  return `${JSON.stringify({ level: 'info', time, service: 's', instance: 'i', ...rest, msg })}\n`;
}

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'rondo-logs-'));
  await mkdir(path.join(data, 'logs'));
});

afterEach(() => rm(data, { recursive: true }));

const logs = (...args: readonly string[]) => rondo(['logs', ...args], { dataDirectory: data });

describe('rondo logs', () => {
  it('prints all logs by time, and keeps lines that are not JSON in their place', async () => {
    await writeFile(file('calculator-1'), line(1, 'one') + line(4, 'four'));
    await writeFile(file('sales-1'), `${line(2, 'two')}    at somewhere\n${line(3, 'three')}`);
    await writeFile(`${file('sales-1')}.previous`, line(0, 'zero'));
    const { exitCode, stdout } = await logs();
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      [
        '08:00:01.000Z calculator-1 INFO  one',
        '08:00:02.000Z sales-1      INFO  two',
        '              sales-1                at somewhere',
        '08:00:03.000Z sales-1      INFO  three',
        '08:00:04.000Z calculator-1 INFO  four',
        '',
      ].join('\n'),
    );
  });

  it('gives a line whose time is not in milliseconds the time of the line before it', async () => {
    const odd = `${JSON.stringify({ level: 'info', time: 1_732_000_000_000_000_000, msg: 'odd' })}\n`;
    await writeFile(file('a-1'), line(1, 'one') + odd + line(2, 'two'));
    const { exitCode, stdout } = await logs();
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      '08:00:01.000Z a-1 INFO  one',
      '08:00:01.000Z a-1 INFO  odd',
      '08:00:02.000Z a-1 INFO  two',
    ]);
  });

  it('shows fields behind the message, and of an error its message', async () => {
    const fields = {
      level: 'error',
      n: 1,
      bare: 'x',
      spaced: 'a b',
      err: { type: 'E', message: 'it broke', stack: '…' },
    };
    await writeFile(file('a-1'), line(1, 'failed\u001b[2J', fields));
    expect((await logs()).stdout).toBe(
      '08:00:01.000Z a-1 ERROR failed\\u001b[2J n=1 bare=x spaced="a b" err="it broke"\n',
    );
  });

  it('shows the stack below an error, and its causes, each text once', async () => {
    const frames = (of: string, count: number) =>
      Array.from({ length: count }, (_, index) => `    at ${of}${index} (file:///src/${of}.ts:${index}:1)`);
    const stack = [
      'DatabaseUnavailable: PostgreSQL is unavailable: refused',
      ...frames('query', 2),
      'caused by: Error: refused',
      ...frames('connect', 11),
      'caused by: TypeError: of another kind',
      ...frames('parse', 1),
    ].join('\n');
    const err = { type: 'DatabaseUnavailable', message: 'PostgreSQL is unavailable: refused', stack };
    await writeFile(file('a-1'), line(1, 'failed', { level: 'error', err }) + line(2, 'next'));
    expect((await logs()).stdout).toBe(
      [
        '08:00:01.000Z a-1 ERROR failed err="PostgreSQL is unavailable: refused"',
        '    at query0 (file:///src/query.ts:0:1)',
        '    at query1 (file:///src/query.ts:1:1)',
        '    caused by: Error',
        ...frames('connect', 8),
        '    … and 3 more',
        '    caused by: TypeError: of another kind',
        '    at parse0 (file:///src/parse.ts:0:1)',
        '08:00:02.000Z a-1 INFO  next',
        '',
      ].join('\n'),
    );
  });

  it('bounds the causes that it shows', async () => {
    const stack = Array.from({ length: 20 }, (_, index) => `Error: number ${index}`).join('\ncaused by: ');
    await writeFile(file('a-1'), line(1, 'failed', { err: { message: 'number 0', stack } }));
    expect((await logs()).stdout).toMatch(/caused by: Error: number 5\n {4}… and 14 more causes\n$/);
  });

  it('prints the lines of one trace, of all services', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await writeFile(file('a-1'), line(1, 'one', { traceId }) + line(2, 'two'));
    await writeFile(file('b-1'), line(3, 'three', { traceId }) + line(4, 'four', { traceId: 'f'.repeat(32) }));
    expect((await logs('--trace', traceId)).stdout.match(/one|two|three|four/g)).toEqual(['one', 'three']);
    expect((await logs('b', '--trace', traceId)).stdout.match(/one|two|three|four/g)).toEqual(['three']);
    expect(await logs('--trace', 'a'.repeat(32))).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringContaining(`has trace ${'a'.repeat(32)}`),
    });
    expect(await logs('--trace', 'mine')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('32 hexadecimal digits'),
    });
  });

  it('knows the time of lines of PostgreSQL', async () => {
    await writeFile(file('a-1'), line(1, 'one') + line(3, 'three'));
    await writeFile(file('postgres'), '2026-11-20 08:00:02.000 UTC [7] LOG:  two\n');
    expect((await logs()).stdout.match(/one|two|three/g)).toEqual(['one', 'two', 'three']);
  });

  it('takes an instance, or a service with all of its instances', async () => {
    for (const name of ['calculator-1', 'calculator-2', 'project-management-1', 'registry']) {
      await writeFile(file(name), line(1, `from ${name}`));
    }
    expect((await logs('calculator')).stdout.match(/from .*/g)).toEqual(['from calculator-1', 'from calculator-2']);
    expect((await logs('calculator-2')).stdout.match(/from .*/g)).toEqual(['from calculator-2']);
    expect((await logs('project-management')).stdout.match(/from .*/g)).toEqual(['from project-management-1']);
    expect((await logs('registry')).stdout.match(/from .*/g)).toEqual(['from registry']);
    const { exitCode, stderr } = await logs('calculater');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Did you mean "calculator"?');
    expect(stderr).toContain(
      'calculator, calculator-1, calculator-2, project-management, project-management-1, registry',
    );
  });

  it('prints lines as they stand with --json, the last without an end too', async () => {
    const raw = `${line(1, 'one')}not JSON\n{"cut`;
    await writeFile(file('a-1'), raw);
    expect((await logs('--json')).stdout).toBe(`${raw}\n`);
  });

  it('reads a file longer than any buffer', async () => {
    const long = Array.from({ length: 2_000 }, (_, index) => line(1, `line ${index} é`)).join('');
    await writeFile(file('a-1'), long);
    expect((await logs('--json')).stdout).toBe(long);
  });

  it('reads the folder of --data, and names it if it has no logs', async () => {
    await writeFile(file('a-1'), line(1, 'here'));
    const found = await rondo(['logs', '--data', path.basename(data)], { directory: path.dirname(data) });
    expect(found.stdout).toContain('here');
    const missing = await rondo(['logs', '--data', 'nothing'], { directory: data });
    expect([missing.exitCode, missing.stderr]).toEqual([
      1,
      expect.stringContaining(path.join(data, 'nothing', 'logs')),
    ]);
    const inJson = await rondo(['logs', '--data', 'nothing', '--json'], { directory: data });
    expect(JSON.parse(inJson.stderr)).toEqual({
      error: { code: 'FAILED', message: expect.stringMatching(/^there are no logs in .*nothing/) },
    });
  });

  it('follows new lines, replaced files and new files', async () => {
    await writeFile(file('a-1'), line(1, 'before'));
    const run = begin(['logs', '-f'], { dataDirectory: data });
    await run.stdout.shows(/before\n/);
    const grown = line(2, 'grown');
    await appendFile(file('a-1'), grown.slice(0, 20));
    await appendFile(file('a-1'), grown.slice(20));
    await run.stdout.shows(/grown\n/);
    await appendFile(file('a-1'), line(3, 'last words'));
    await rename(file('a-1'), `${file('a-1')}.previous`);
    await writeFile(file('a-1'), line(4, 'restarted'));
    await run.stdout.shows(/last words\n[\s\S]*restarted\n/);
    await writeFile(file('b-1'), line(5, 'new'));
    await run.stdout.shows(/b-1.* new\n/);
    run.interrupt();
    expect(await run.exitCode).toBe(0);
    expect(run.stdout.text().match(/\n/g)).toHaveLength(5);
  });
});
