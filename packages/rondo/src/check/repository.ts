/** The checks of Rondo's own repository, beside those of each workspace. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { apiDocumented, errorsUsed } from '../docs/docs.js';
import { laboratory, root } from '../workspace/paths.js';
import { gitFault, run } from '../workspace/process.js';
import type { Step, StepResult } from '../workspace/steps.js';
import { linksLead } from './links.js';
import { portable } from './portable.js';

const KNIP = path.join(root, 'node_modules/knip/bin/knip.js');

export const steps: readonly Step[] = [
  ['public names documented', apiDocumented],
  ['errors used', errorsUsed],
  ['links of docs', () => ofFiles(['--cached', '--others', '--exclude-standard'], linksLead)],
  ['portable names and programs', () => ofFiles(['--cached'], portable)],
  ['unused code', unusedCode],
];

/** Without lab/ its settings are one of the hints. */
function unusedCode(): Promise<StepResult> {
  const hints = existsSync(laboratory) ? ['--treat-config-hints-as-errors'] : [];
  return run(process.execPath, [KNIP, '--no-progress', ...hints]);
}

/** Checks files that git lists. An archive of the repository has no `.git`. */
async function ofFiles(which: readonly string[], check: (files: readonly string[]) => StepResult): Promise<StepResult> {
  const { code, output } = await run('git', ['ls-files', ...which]);
  if (code !== 0) return { code: 0, skipped: true, note: gitFault(output) };
  return check(output.trim().split('\n'));
}
