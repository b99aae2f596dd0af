/** `rondo doctor` where the CLI can't be had: what can be looked at with Node alone, in the CLI's form. */
import path from 'node:path';
import { DEFAULTS } from '../launch/options.mjs';
import { examineRepository } from './checks.mjs';

const MARKS = { ok: 'ok  ', note: 'note', warn: 'warn', fail: 'FAIL' };

/**
 * @param {string[]} args Those after `doctor`.
 * @param {string} reason Why there is no CLI.
 * @returns {Promise<number>} the exit code: there is a fault, as there is no CLI.
 */
export async function examineWithoutCli(args, reason) {
  const data = path.resolve(process.env.INIT_CWD ?? '.', option(args, '--data') ?? DEFAULTS.data);
  const findings = [];
  for await (const finding of examineRepository({ data, environment: process.env })) findings.push(finding);
  findings.push({ name: 'rondo', state: 'fail', detail: reason, remedy: 'npm run build' });
  console.log(args.includes('--json') ? JSON.stringify({ healthy: false, findings }) : findings.map(toText).join('\n'));
  return 1;
}

function toText({ name, state, detail, remedy }) {
  const text = `${MARKS[state]}  ${name.padEnd(14)}  ${detail}`;
  return remedy === undefined ? text : `${text}\n      → ${remedy}`;
}

function option(args, name) {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  return at === -1 ? undefined : (args[at].split('=')[1] ?? args[at + 1]);
}
