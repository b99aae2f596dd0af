import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runNode, start } from '@rondo/harness';

/** A version of the repository that has been built. */
export interface Version {
  /** Begins the ids of its instances. */
  readonly name: string;
  /** The folder that it is in. */
  readonly root: string;
}

/** The version of this repository. */
export const present: Version = { name: 'new', root };

const STORES_OF_THEIR_OWN = '8a4368e7a5ed89c6ffec3b198c2577d9efabd6fc';

async function git(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await start('git', ['-C', root, ...args]).ended;
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/**
 * The version to upgrade from: what `UPGRADE_FROM` names, otherwise the last commit whose services have stores of their own.
 * Undefined if the clone doesn't have that commit, as a shallow one doesn't.
 */
export async function commitBefore(): Promise<string | undefined> {
  const named = process.env.UPGRADE_FROM;
  if (named !== undefined) return git('rev-parse', '--verify', `${named}^{commit}`);
  return commitOf(STORES_OF_THEIR_OWN);
}

/** The whole name of a commit. Undefined if the clone doesn't have it, as a shallow one doesn't. */
export async function commitOf(name: string): Promise<string | undefined> {
  if ((await git('rev-parse', '--is-shallow-repository')) === 'true') return undefined;
  const commit = await git('rev-parse', '--verify', '--quiet', `${name}^{commit}`).catch(() => '');
  return commit === '' ? undefined : commit;
}

/** Clones and builds a commit. `remove` deletes the clone. */
export async function buildVersion(commit: string): Promise<Version & { remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-upgrade-'));
  const clone = join(folder, 'before');
  await git('clone', '--quiet', '--no-hardlinks', root, clone);
  await git('-C', clone, 'checkout', '--quiet', commit);
  const { code, stdout, stderr } = await runNode([join(clone, 'scripts/rondo.mjs'), 'build'], { cwd: clone });
  if (code !== 0) throw new Error(`${commit} can't be built: ${stdout}${stderr}`);
  return { name: 'old', root: clone, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
