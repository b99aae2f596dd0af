/** The steps of `npm run check` that only prove Rondo, and what stands under them. */
import path from 'node:path';
import { root, run } from '../scripts/process.mjs';
import { survey } from './survey.mjs';

/** @type {[name: string, work: () => Promise<import('../scripts/steps.mjs').StepResult>][]} */
export const steps = [['lint rules bite', () => run(process.execPath, [path.join(root, 'lab/lint/rules.mjs')])]];

/** Prints what the tree weighs. */
export const summary = async () => console.log(`\n${await survey()}`);
