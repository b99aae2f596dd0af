/**
 * The pages of the reference that are generated from the code: docs/reference/api.md from the docstrings of the packages' public names,
 * and docs/reference/errors.md from the packages' tables of the errors that clients see.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildOnly } from './build.mjs';
import { filesBelow } from './files.mjs';
import { root, run } from './process.mjs';

const page = path.join(root, 'docs/reference/api.md');
const errors = path.join(root, 'docs/reference/errors.md');
/** The digest of the inputs for which the page was last found to be current. */
const stamp = path.join(root, 'node_modules/.rondo-api');

/**
 * Whether the page is that of the compiled declarations.
 *
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function apiPage() {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()) return { code: 0, note: 'nothing changed' };
  const { code, output } = await generate();
  if (code !== 0) return { code, output };
  if (readFileSync(page, 'utf8') !== output) return { code: 1, output: 'docs/reference/api.md is stale: npm run api' };
  writeFileSync(stamp, fingerprint());
  return { code: 0 };
}

/**
 * Whether the page of errors is that of the tables, and each row there is used.
 *
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function errorsPage() {
  const { code, output } = await generateErrors();
  if (code !== 0) return { code, output };
  if (existsSync(errors) && readFileSync(errors, 'utf8') === output) return { code: 0 };
  return { code: 1, output: 'docs/reference/errors.md is stale: npm run api' };
}

const generate = () => run(process.execPath, ['scripts/api/main.mjs']);
const generateErrors = () => run(process.execPath, ['scripts/api/errors/main.mjs']);

/** A digest of all that the page follows from, and of the page. */
function fingerprint() {
  const hash = createHash('sha256');
  const packages = readdirSync(path.join(root, 'packages')).filter((name) => name !== 'contracts');
  const declarations = packages.flatMap((name) =>
    below(`packages/${name}/dist`).filter((file) => file.endsWith('.d.ts')),
  );
  const entries = packages.flatMap((name) => below(`packages/${name}/src/exports`));
  const scripts = readdirSync(path.join(root, 'scripts/api')).filter((name) => /\.(?:mjs|json)$/.test(name));
  for (const file of [
    'docs/reference/api.md',
    'pnpm-lock.yaml',
    ...declarations,
    ...entries,
    ...scripts.map((name) => `scripts/api/${name}`),
  ]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest('hex');
}

/** The files below a folder of the repository. */
const below = (folder) => filesBelow(path.join(root, folder)).map((file) => `${folder}/${file}`);

/** `npm run api` */
export async function main() {
  if (!(await buildOnly([]))) return 1;
  const written = [await write(page, generate), await write(errors, generateErrors)];
  return written.every(Boolean) ? 0 : 1;
}

/** Writes a page, or prints why it can't be generated. */
async function write(file, generator) {
  const { code, output } = await generator();
  if (code === 0) writeFileSync(file, output);
  else console.error(output);
  return code === 0;
}
