/**
 * `npm run lab -- guarantees` checks docs/reference/guarantees.md: each guarantee names a test that exists, and the fault with
 * which it was seen to fail.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../scripts/process.mjs';

const PAGE = 'docs/reference/guarantees.md';
const COLUMNS = ['guarantee', 'test', 'seen to fail when'];
const read = (file) => readFileSync(path.join(root, file), 'utf8');

/** The rows of all tables of the page. */
const rows = read(PAGE)
  .split('\n')
  .flatMap((line, index) => (line.startsWith('| ') ? [{ at: `${PAGE}:${index + 1}`, cells: cellsOf(line) }] : []))
  .filter(({ cells: [first] }) => first !== COLUMNS[0] && !/^-+$/.test(first));

function cellsOf(line) {
  const cells = line.replace(/\|\s*$/, '').split(/(?<!\\)\|/);
  return cells.slice(1).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** What is wrong with a row; undefined if nothing is. */
function faultOf([guarantee, test, ...rest]) {
  const empty = COLUMNS.find((_, column) => [guarantee, test, ...rest][column] === '');
  if (empty !== undefined || rest.length !== 1)
    return empty ? `no "${empty}"` : `${rest.length + 2} cells instead of 3`;
  const { file, title, ring } = testOf(test);
  if (!existsSync(path.join(root, file))) return `there is no file ${file}`;
  if (title === '') return ring === 'scripts' ? undefined : `no test of ${file} is named`;
  // As it is printed: without the escapes of its quotes.
  return [file, ...suitesOf(file)]
    .map((each) => read(each).replace(/\\(['"`])/g, '$1'))
    .some((text) => text.includes(title))
    ? undefined
    : `${file} has no test "${title}"`;
}

/** The modules beside a test file from which it has its tests. */
function suitesOf(file) {
  const imported = [...read(file).matchAll(/(?:from|import) '(\.[^']*)\.js'/g)];
  return imported
    .map(([, module]) => path.posix.join(path.posix.dirname(file), `${module}.ts`))
    .filter((one) => existsSync(path.join(root, one)));
}

/** A script, or a scenario of `npm run lab -- chaos`, has no ring of jest's. */
function testOf(cell) {
  const [file, ...title] = cell.replace(/^`+ ?|`+$/g, '').split(' › ');
  const [, ring = 'test'] = /\.(ci|long)\.test\.ts$/.exec(file) ?? [];
  return { file, title: title.join(' › ').trim(), ring: file.endsWith('.test.ts') ? ring : 'scripts' };
}

/** @returns {Promise<number>} 1 if a row is wrong. */
export async function main() {
  let failed = rows.length === 0;
  const counts = { test: 0, ci: 0, long: 0, scripts: 0 };
  for (const { at, cells } of rows) {
    const fault = faultOf(cells);
    if (fault === undefined) counts[testOf(cells[1]).ring] += 1;
    else console.error(`${at}: "${cells[0]}": ${fault}`);
    failed ||= fault !== undefined;
  }
  const { test, ci, long, scripts } = counts;
  const rings = `${test} in ring test, ${ci} in ci, ${long} in long, ${scripts} in scripts`;
  console.log(`${rows.length} guarantees: ${rings}`);
  return failed ? 1 : 0;
}
