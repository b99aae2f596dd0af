import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';

const { href } = new URL('../../dist/lifecycle/stack-traces.js', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'rondo-stack-'));
const url = (name: string) => pathToFileURL(join(folder, name)).href;

/** The third line, from its 9th column on, comes from the 71st line of the source, from its 5th column on. */
const MAP = { version: 3, sources: ['../src/order.ts'], names: [], mappings: ';;QAsEI' };
const CODE = `
export function fail(error) {
        throw error ?? new Error('no stock');
}
`;

beforeAll(() => {
  writeFileSync(join(folder, 'order.mjs'), CODE);
  writeFileSync(join(folder, 'order.mjs.map'), JSON.stringify(MAP));
  writeFileSync(join(folder, 'bare.mjs'), CODE);
  writeFileSync(join(folder, 'nowhere.mjs'), CODE);
  writeFileSync(join(folder, 'nowhere.mjs.map'), JSON.stringify({ ...MAP, sources: ['http://'] }));
  writeFileSync(join(folder, 'torn.mjs'), CODE);
  writeFileSync(join(folder, 'torn.mjs.map'), '{"version":3,"sour');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The stack of an error that a process throws in `file`, with the traces mapped or not. */
function stackIn(file: string, { mapped = true, error = '' } = {}): string {
  const source = `
    import { mapStackTraces } from ${JSON.stringify(href)};
    import { fail } from ${JSON.stringify(url(file))};
    if (${mapped}) mapStackTraces();
    try { fail(${error}); } catch (error) { console.log(error.stack); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return stdout;
}

it('names the place in the source', () => {
  const source = new URL('../src/order.ts', url('order.mjs')).href;
  expect(stackIn('order.mjs', { mapped: false })).toContain(`    at fail (${url('order.mjs')}:3:`);
  const [first, second] = stackIn('order.mjs').split('\n');
  expect(first).toBe('Error: no stock');
  expect(second).toBe(`    at fail (${source}:71:5)`);
});

it.each([
  ['without a source map', 'bare.mjs'],
  ['whose source map is torn', 'torn.mjs'],
  ['whose source map names no valid source', 'nowhere.mjs'],
])('leaves the place in a file %s', (_what, file) => {
  expect(stackIn(file)).toBe(stackIn(file, { mapped: false }));
});

it('has a trace of an error that has no text', () => {
  const error = `Object.assign(new Error('x'), { toString() { throw 1; } })`;
  expect(stackIn('bare.mjs', { error })).toMatch(/^(?:Error: x|<error>)\n {4}at /);
});
