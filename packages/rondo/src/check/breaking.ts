/** Compares the contracts with those of main, so that no change breaks a published client. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { linkPackages } from '../scaffold/contract/stage.js';
import { console } from '../terminal/console.js';
import { root } from '../workspace/paths.js';
import { type Ended, MAIN_REFS, native, run } from '../workspace/process.js';
import type { StepResult } from '../workspace/steps.js';

const REMEDY = `
Clients that exist need what is named here: keep it, or add a package v2 next to it. If no client needs it any more, name the
file under breaking: ignore: in buf.yaml, until main has the change.
`;

/** The root may be a folder of a larger repository: `REF:./PATH` is a path below the root. */
const git = (...args: readonly string[]) => run('git', args);

/** It is skipped, with the reason, if there is nothing to compare with. */
export async function breaking(): Promise<StepResult> {
  const base = await findBase();
  const note = 'neither main nor master, here or at origin, has an earlier commit with contracts';
  if (!base) return { code: 0, skipped: true, note };
  const folder = mkdtempSync(path.join(tmpdir(), 'rondo-base-'));
  try {
    const image = await buildImage(base, folder);
    if (image.code !== 0) return image;
    // Imports are contracts of third parties: their changes are left out.
    const args = ['breaking', 'proto', '--against', path.join(folder, 'base.binpb'), '--exclude-imports'];
    const compared = await run(native('buf'), args);
    const output = compared.code === 0 ? compared.output : `${compared.output}${REMEDY}`;
    return { ...compared, output, note: `against ${base}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first of {@link MAIN_REFS}. If HEAD is it and the contracts have no changes, the commit before it. */
async function findBase(): Promise<string | undefined> {
  for (const ref of MAIN_REFS) {
    if (!(await hasContracts(ref))) continue;
    const isHead = (await git('rev-parse', ref)).output === (await git('rev-parse', 'HEAD')).output;
    if (!isHead || (await git('diff', '--quiet', ref, '--', 'proto', 'buf.yaml')).code !== 0) return ref;
    const previous = `${ref}~1`;
    return (await hasContracts(previous)) ? previous : undefined;
  }
  return undefined;
}

const hasContracts = async (ref: string) => (await git('cat-file', '-e', `${ref}:./proto`)).code === 0;

/** Unpacks the base into a folder and builds it there, as buf can't read a git ref whose modules are in node_modules. */
async function buildImage(base: string, folder: string): Promise<Ended> {
  const archive = path.join(folder, 'base.tar');
  const archived = await git('archive', '--output', archive, base, 'proto', 'buf.yaml');
  if (archived.code !== 0) return archived;
  const unpacked = await run('tar', ['-xf', archive, '-C', folder]);
  if (unpacked.code !== 0) return unpacked;
  await dropRemovedServices(base, folder);
  await linkPackages(root, folder);
  return run(native('buf'), ['build', 'proto', '-o', 'base.binpb'], { cwd: folder });
}

/** Drops the contracts of services that are removed here from the base: a tree without a service has no clients of it. */
async function dropRemovedServices(base: string, folder: string): Promise<void> {
  const { code, output } = await git('ls-tree', '--full-tree', '--name-only', `${base}:./services`);
  const services = code === 0 ? output.trim().split('\n') : [];
  for (const service of services.filter((name) => !existsSync(path.join(root, 'services', name)))) {
    const manifest = await git('show', `${base}:./services/${service}/package.json`);
    const { rondo }: { rondo?: { contracts: string[] } } = manifest.code === 0 ? JSON.parse(manifest.output) : {};
    for (const contract of rondo?.contracts ?? []) {
      const gone = [path.dirname(contract), contract].find((file) => !existsSync(path.join(root, 'proto', file)));
      if (gone !== undefined) rmSync(path.join(folder, 'proto', gone), { recursive: true, force: true });
    }
  }
}

/** `rondo breaking`: runs this step of `npm run check` alone. */
export async function main(): Promise<number> {
  const { code, output = '' } = await breaking();
  if (output !== '') console.log(output.trimEnd());
  return code;
}
