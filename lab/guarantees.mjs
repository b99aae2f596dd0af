/**
 * `npm run lab -- guarantees` checks guarantees.json: what README and the guides promise, each with the test that holds it, and the
 * deliberate fault of the code at which that test was seen to fail once. If you change or replace such a test, break the code in that
 * way again, and see it fail. A test is `file › title`; a title with `%s` or `$name` stands for one test of each row of its table. A
 * script, or a scenario of `npm run lab -- chaos`, has controls that must fail in each run.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '@rondo/tool/workspace';

const read = (file) => readFileSync(path.join(root, file), 'utf8');

/** The guarantees, by topic. */
export const guarantees = () => JSON.parse(read('lab/guarantees.json'));

/** What is wrong with a guarantee; undefined if nothing is. */
function faultOf({ guarantee, test, failsWhen }) {
  if (!guarantee || !test || !failsWhen) return 'a field is empty or missing';
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

/** The modules next to a test file from which it has its tests. */
function suitesOf(file) {
  const imported = [...read(file).matchAll(/(?:from|import) '(\.[^']*)\.js'/g)];
  return imported
    .map(([, module]) => path.posix.join(path.posix.dirname(file), `${module}.ts`))
    .filter((one) => existsSync(path.join(root, one)));
}

/** A script, or a scenario of `npm run lab -- chaos`, has no ring of jest's. */
function testOf(test) {
  const [file, ...title] = test.split(' › ');
  const [, ring = 'test'] = /\.(ci|long)\.test\.ts$/.exec(file) ?? [];
  return { file, title: title.join(' › ').trim(), ring: file.endsWith('.test.ts') ? ring : 'scripts' };
}

/** @returns {Promise<number>} 1 if a guarantee has no such test. */
export async function main() {
  const all = Object.values(guarantees()).flat();
  let failed = all.length === 0;
  const counts = { test: 0, ci: 0, long: 0, scripts: 0 };
  for (const one of all) {
    const fault = faultOf(one);
    if (fault === undefined) counts[testOf(one.test).ring] += 1;
    else console.error(`lab/guarantees.json: "${one.guarantee}": ${fault}`);
    failed ||= fault !== undefined;
  }
  const { test, ci, long, scripts } = counts;
  const rings = `${test} in ring test, ${ci} in ci, ${long} in long, ${scripts} in scripts`;
  console.log(`${all.length} guarantees: ${rings}`);
  return failed ? 1 : 0;
}
