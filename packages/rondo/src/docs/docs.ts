/** `npm run docs`: makes the documentation a site, with the references that are generated from the code, and checks their sources. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildOnly } from '../build/build.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { filesBelow, projectFolders } from '../workspace/files.js';
import { parse, takenByNpm } from '../workspace/options.js';
import { root } from '../workspace/paths.js';
import { run } from '../workspace/process.js';
import { type Step, type StepResult, step } from '../workspace/steps.js';

const USAGE = 'npm run docs [-- --serve]';
/** The digest of the declarations in which every public name was last found to have a docstring. */
const stamp = path.join(root, 'node_modules/.rondo-api');

/** Whether every public name of the packages has a docstring. */
export async function apiDocumented(): Promise<StepResult> {
  const current = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return { code: 0, note: 'nothing changed' };
  const outcome = await run(process.execPath, ['docs/api/main.mjs']);
  if (outcome.code === 0) writeFileSync(stamp, current);
  return outcome;
}

/** Whether each row of the packages' tables of errors is used. */
export const errorsUsed = (): Promise<StepResult> => run(process.execPath, ['docs/api/errors/main.mjs']);

/** A digest of what `docs/api/main.mjs` reads, and of itself. */
function fingerprint(): string {
  const hash = createHash('sha256').update(readFileSync(path.join(root, 'pnpm-lock.yaml')));
  const declarations = projectFolders(root)
    .filter((folder) => /^(?:packages|plugins)\/(?!contracts$)/.test(folder))
    .flatMap((folder) => below(`${folder}/dist`))
    .filter((file) => file.endsWith('.d.ts'));
  for (const file of ['docs/api/main.mjs', ...declarations]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest('hex');
}

/** The files below a folder of the repository. */
const below = (folder: string) => filesBelow(path.join(root, folder)).map((file) => `${folder}/${file}`);

/** `npm run docs` */
export async function main(args: string[]): Promise<number> {
  try {
    const taken = takenByNpm(['serve'], USAGE);
    if (taken !== undefined) throw new Error(taken);
    const { serve } = parse({ args, options: { serve: { type: 'boolean' } } }, USAGE).values;
    return await docs(serve);
  } catch (error) {
    console.error(`npm run docs: ${messageOf(error)}`);
    return 1;
  }
}

async function docs(serve = false): Promise<number> {
  if (!(await buildOnly([]))) return 1;
  const { writePages }: { writePages(): Promise<StepResult> } = await import(
    pathToFileURL(path.join(root, 'docs/pages.mjs')).href
  );
  const vitepress = path.join(root, 'docs/node_modules/vitepress/bin/vitepress.js');
  const steps: readonly Step[] = [
    ['references', writePages],
    ['site', () => run(process.execPath, [vitepress, 'build', 'docs'])],
  ];
  for (const [name, work] of serve ? steps.slice(0, -1) : steps) if ((await step(name, work)).code !== 0) return 1;
  if (serve) return (await run(process.execPath, [vitepress, 'dev', 'docs'], { show: true })).code;
  console.log('.rondo/docs/index.html; npm run docs -- --serve shows the site, and what you save');
  return 0;
}
