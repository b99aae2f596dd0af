/** `rondo doctor` where the CLI can't be had: what can be looked at with Node alone, in the CLI's form. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULTS } from '../launch/options.mjs';
import { examineRepository } from './checks.mjs';

const MARKS = { ok: 'ok  ', note: 'note', warn: 'warn', fail: 'FAIL' };

/**
 * @param {string[]} args Those after `doctor`.
 * @param {string} reason Why there is no CLI.
 * @returns {Promise<number>} the exit code: there is a fault, as there is no CLI.
 */
export async function examineWithoutCli(args, reason) {
  const { values } = parseArgs({
    args,
    options: { data: { type: 'string' }, json: { type: 'boolean' } },
    strict: false,
  });
  const data = path.resolve(process.env.INIT_CWD ?? '.', String(values.data ?? DEFAULTS.data));
  const findings = [];
  for await (const finding of examineRepository({ data, environment: process.env })) findings.push(finding);
  const first = findings.some(({ state }) => state === 'fail') ? 'do what stands above; then ' : '';
  findings.push({ name: 'rondo', state: 'fail', detail: reason, remedy: `${first}npm run build` });
  console.log(values.json ? JSON.stringify({ healthy: false, findings }) : findings.map(toText).join('\n'));
  return 1;
}

function toText({ name, state, detail, remedy }) {
  const text = `${MARKS[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy === undefined ? text : `${text}\n      → ${remedy}`;
}
