/** The tests: those beside the code and the component tests first, then the journeys of e2e over built processes. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { compile } from './build.mjs';
import { generate } from './generate.mjs';
import { root, run } from './process.mjs';
import { step } from './steps.mjs';

/** A journey starts many processes, which compute: more journeys at once than cores only wait for each other. */
const JOURNEYS_AT_ONCE = Math.max(2, availableParallelism() - 1);

// As arguments and not by NODE_OPTIONS: the services that a test starts don't inherit them.
const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

/** What `--quick` leaves out: component tests, and tests beside the code that start servers and compilers. */
const SLOW = [
  '<rootDir>/[^/]+/[^/]+/test/',
  '<rootDir>/packages/database/',
  '<rootDir>/packages/scaffold/src/contract/',
  '<rootDir>/packages/service/src/fingerprint/',
];
const QUICK = ['--selectProjects', 'code', '--testPathIgnorePatterns', ...SLOW];

/** What `npm test` leaves to `--all` and `--long`: each takes half a minute or more, beside shorter tests of its subject. */
const LONG = [
  'e2e/backup',
  'e2e/browser',
  'e2e/chaos',
  'e2e/editor',
  'e2e/rotation',
  'e2e/store-tls',
  'services/registry/test/etcd-cluster',
];
/** What runs only with `--all` or by its name: it builds a version from before. */
const LONGEST = ['e2e/upgrade'];
// They take the place of those of jest.config.mjs.
const WITHOUT_LONG = ['--testPathIgnorePatterns', '/node_modules/', '/e2e/clones/', ...LONG, ...LONGEST];

async function jest(args) {
  const program = path.join(root, 'node_modules/jest/bin/jest.js');
  return (await run(process.execPath, [...node, program, ...args], { show: true })).code;
}

/**
 * `npm test` runs the tests of what the processes do. `--all` adds those that take long, and those of a developer's work in a
 * clone; `--long` and `--clones` run them alone. `--quick` runs those that take less than a minute together. `npm test -- <jest
 * arguments>` runs the selected ones in one run of jest.
 * A compile error makes the command fail, but the tests that run from sources are run anyway.
 * @param {string[]} args
 */
export async function main(args) {
  const generated = await step('generate', generate);
  if (generated.code !== 0) return generated.code;
  const compiled = await step('compile', () => compile());
  const [first, ...rest] = args;
  if (first === '--quick') return (await jest([...rest, ...QUICK])) || compiled.code;
  if (first === '--clones') return compiled.code || (await journeys(['clones'], rest));
  if (first === '--long') return compiled.code || (await journeys(['code', 'e2e'], [...rest, ...LONG]));
  const all = first === '--all';
  if (args.length > 0 && !all) return (await jest(args)) || compiled.code;
  const which = all ? [] : WITHOUT_LONG;
  const code = await jest([...which, '--selectProjects', 'code']);
  if (compiled.code !== 0 || !existsSync(path.join(root, 'e2e/package.json'))) return code || compiled.code;
  // After the others, as a journey has processes of its own that want to run.
  return (await journeys(all ? ['e2e', 'clones'] : ['e2e'], [...rest, ...which])) || code;
}

const journeys = (projects, args) =>
  jest([...args, '--maxWorkers', String(JOURNEYS_AT_ONCE), '--selectProjects', ...projects]);
