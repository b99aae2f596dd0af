/**
 * `npm run lab -- audit`: whether the licences of all packages are allowed, and whether the registry of packages knows a vulnerability of
 * one. What is allowed beyond the rules is in audit/exceptions.json, with the reason.
 */
import { readFileSync } from 'node:fs';
import { parse, runPnpm } from '@rondo/tool/workspace';
import spdx from 'spdx-expression-parse';

const USAGE = 'npm run lab -- audit [--only licences|advisories]';
/** Licences that ask for no more than their text and a notice. */
const ALLOWED = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
];
/** From this severity on, an advisory fails the audit. */
const SEVERE = ['moderate', 'high', 'critical'];
/** EX_TEMPFAIL of sysexits.h: the registry can't answer. */
const EXIT_NO_ANSWER = 75;

/**
 * @returns {Promise<number>} 75 if nothing is wrong, but the registry doesn't answer.
 */
export async function main(args) {
  try {
    const { only } = parse({ args, options: { only: { type: 'string' } } }, USAGE).values;
    if (only !== undefined && only !== 'licences' && only !== 'advisories') throw new Error(`--only ${only}: ${USAGE}`);
    const exceptions = JSON.parse(readFileSync(new URL('./audit/exceptions.json', import.meta.url), 'utf8'));
    const codes = [];
    if (only !== 'advisories') codes.push(report('licences', judgeLicences(await licences(), exceptions.licences)));
    if (only !== 'licences') {
      const found = await advisories();
      codes.push(
        found === undefined ? EXIT_NO_ANSWER : report('advisories', judgeAdvisories(found, exceptions.advisories)),
      );
    }
    return codes.includes(1) ? 1 : Math.max(...codes);
  } catch (error) {
    console.error(`npm run lab -- audit: ${error.message}`);
    return 1;
  }
}

function report(what, { checked, faults }) {
  for (const fault of faults) console.error(`FAILED  ${fault}`);
  console.log(`${what}: ${checked} checked, ${faults.length} refused`);
  return faults.length === 0 ? 0 : 1;
}

/** The packages of the workspace as pnpm lists them, by licence. */
async function licences() {
  const { code, output } = await runPnpm(['--recursive', 'licenses', 'list', '--json']);
  if (code !== 0) throw new Error(`pnpm lists no licences: ${output}`);
  return JSON.parse(output.slice(output.indexOf('{')));
}

function judgeLicences(packages, exceptions) {
  const faults = [];
  const used = new Set();
  for (const [licence, { name }] of Object.entries(packages).flatMap(([key, all]) => all.map((one) => [key, one]))) {
    if (isAllowed(licence)) continue;
    const exception = exceptions.find((one) => one.package === name && one.licence === licence);
    if (exception === undefined) faults.push(`${name} is licensed by ${licence}, which is not allowed`);
    else used.add(exception);
  }
  const checked = Object.values(packages).flat().length;
  return { checked, faults: [...faults, ...unused(exceptions, used)] };
}

/** Whether an SPDX expression can be met by allowed licences alone. */
function isAllowed(expression) {
  const holds = ({ license, exception, conjunction, left, right }) => {
    if (conjunction === 'or') return holds(left) || holds(right);
    if (conjunction === 'and') return holds(left) && holds(right);
    return exception === undefined && ALLOWED.includes(license);
  };
  try {
    return holds(spdx(expression));
  } catch {
    return false; // no SPDX expression, such as UNKNOWN
  }
}

/** The registry's advisories about packages of the lock file; undefined if it doesn't answer. */
async function advisories() {
  const { output } = await runPnpm(['audit', '--json']);
  // Without an answer pnpm prints text, or an object of its error.
  const found = output.startsWith('{') ? JSON.parse(output).advisories : undefined;
  if (found !== undefined) return Object.values(found);
  console.error(`SKIPPED  advisories: the registry of packages gives none: ${output.replace(/\s+/g, ' ').trim()}`);
  return undefined;
}

function judgeAdvisories(found, exceptions) {
  const faults = [];
  const used = new Set();
  for (const { github_advisory_id: id, module_name: name, severity, title } of found) {
    const exception = exceptions.find(({ advisory }) => advisory === id);
    if (exception !== undefined) used.add(exception);
    else if (SEVERE.includes(severity)) faults.push(`${name} has ${id} (${severity}): ${title}`);
  }
  return { checked: found.length, faults: [...faults, ...unused(exceptions, used)] };
}

/** Exceptions that nothing needs any more. */
function unused(exceptions, used) {
  return exceptions
    .filter((one) => !used.has(one))
    .map(
      (one) =>
        `the exception for ${one.package ?? one.advisory} isn't needed: remove it from lab/audit/exceptions.json`,
    );
}
