import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freeBase, start } from '@rondo/harness';

/** A machine that has twenty watches left. `more` is code that runs first, too. */
const preload = (more = '') =>
  `data:text/javascript,${encodeURIComponent(`
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { watch } = fs;
let left = 20;
fs.watch = (...args) => {
  left -= 1;
  if (left >= 0) return watch(...args);
  throw Object.assign(new Error('no more'), { code: 'ENOSPC' });
};
syncBuiltinESMExports();
${more}`)}`;

let data: string;
let base: number;
beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'rondo-watches-'));
  base = await freeBase();
});
afterAll(() => rmSync(data, { recursive: true, force: true }));

const dev = (more?: string) =>
  start(process.execPath, [
    '--import',
    preload(more),
    ...['scripts/rondo.mjs', 'dev', '--data', data, '--port-base', String(base)],
  ]);

it('rondo dev ends if too few folders can be watched, and says how to go on', async () => {
  const { code, stderr } = await dev().ended;
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^rondo dev: no more folders can be watched \(ENOSPC\): .*sysctl .*; or npm start/),
  });
});

it('a start that has failed is ended by a signal, whatever keeps its process', async () => {
  const running = dev('setInterval(() => undefined, 1_000);');
  await running.printed(/no more folders/);
  const gone = new Promise((resolve) => running.process.once('exit', (_, signal) => resolve(signal)));
  running.signal('SIGTERM');
  expect(await gone).toBe('SIGTERM');
  await running.ended;
});
