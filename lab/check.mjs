/** What `npm run check` checks of Rondo's own repository, besides what it checks of each workspace. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow, gitFault, projectFolders, root, run } from '@rondo/tool/workspace';
import { linksLead } from './links.mjs';
import { portable } from './portable.mjs';
import { plainWords } from './words.mjs';

const KNIP = path.join(root, 'node_modules/knip/bin/knip.js');
/** The digest of the declarations in which every public name was last found to have a docstring. */
const STAMP = path.join(root, 'node_modules/.rondo-api');

export const steps = [
  ['public names documented', apiDocumented],
  ['errors used', () => run(process.execPath, ['docs/api/errors/main.mjs'])],
  ['links of docs', () => ofFiles(['--cached', '--others', '--exclude-standard'], linksLead)],
  ['portable names and programs', () => ofFiles(['--cached'], portable)],
  ['words of docs and comments', () => ofFiles(['--cached', '--others', '--exclude-standard'], plainWords)],
  ['unused code', () => run(process.execPath, [KNIP, '--no-progress', '--treat-config-hints-as-errors'])],
];

/** Whether every public name of the packages has a docstring. */
async function apiDocumented() {
  const current = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === current) return { code: 0, note: 'nothing changed' };
  const outcome = await run(process.execPath, ['docs/api/main.mjs']);
  if (outcome.code === 0) writeFileSync(STAMP, current);
  return outcome;
}

/** A digest of what `docs/api/main.mjs` reads, and of itself. */
function fingerprint() {
  const hash = createHash('sha256').update(readFileSync(path.join(root, 'pnpm-lock.yaml')));
  const declarations = projectFolders(root)
    .filter((folder) => /^(?:packages|plugins)\/(?!contracts$)/.test(folder))
    .flatMap((folder) => filesBelow(path.join(root, folder, 'dist')).map((file) => `${folder}/dist/${file}`))
    .filter((file) => file.endsWith('.d.ts'));
  for (const file of ['docs/api/main.mjs', ...declarations])
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest('hex');
}

/** Checks files that git lists. An archive of the repository has no `.git`. */
async function ofFiles(which, check) {
  const { code, output } = await run('git', ['ls-files', ...which]);
  if (code !== 0) return { code: 0, skipped: true, note: gitFault(output) };
  return check(output.trim().split('\n'));
}
