/** `npm run lab -- budget`: what the tree may weigh stands in budget.json, which this lowers to what is reached. It never raises a number. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parse, root } from '@rondo/tool/workspace';
import { count, isCountable } from './survey.mjs';

const FILE = path.join(root, 'budget.json');
const USAGE = 'npm run lab -- budget [--check]';

/**
 * @param {string[]} args `--check` changes nothing.
 * @returns {Promise<number>} 1 if the tree weighs more than it may.
 */
export async function main(args) {
  const { check } = parse({ args, options: { check: { type: 'boolean' } } }, USAGE).values;
  if (!(await isCountable('npm run lab -- budget'))) return 1;
  const budget = JSON.parse(readFileSync(FILE, 'utf8'));
  const over = [];
  for (const [kind, counts] of Object.entries(await count())) {
    for (const [part, reached] of Object.entries(counts)) {
      const allowed = budget[kind][part];
      if (reached > allowed)
        over.push(`${kind} of ${part}: ${reached}, ${reached - allowed} more than budget.json allows`);
      budget[kind][part] = Math.min(allowed, reached);
    }
  }
  for (const line of over) console.error(line);
  if (over.length > 0)
    console.error('Make it smaller, or raise the number there, with a line in an ADR that says what it buys.');
  if (!check) writeFileSync(FILE, `${JSON.stringify(budget, null, 2)}\n`);
  return over.length === 0 ? 0 : 1;
}
