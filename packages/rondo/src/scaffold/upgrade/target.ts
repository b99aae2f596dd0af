import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from '../../workspace/process.js';
import { Refusal } from '../errors.js';
import type { Workspace } from '../workspace.js';

/** The version to upgrade to. */
export interface Target {
  readonly version: string;
  /** The paths of its packages; none if the registry has them. */
  readonly tarballs: readonly string[];
}

/**
 * Finds a version in the registry, by default the newest.
 *
 * @throws Refusal if the registry doesn't have it.
 */
export async function inRegistry({ root, signal }: Workspace, wanted = 'latest'): Promise<Target> {
  const { output } = await run('npm', ['view', `@rondo/tool@${wanted}`, 'version'], { cwd: root, signal });
  const version = /^\d+\.\d+\.\d+\S*$/m.exec(output)?.[0];
  if (version !== undefined) return { version, tarballs: [] };
  const remedy = 'name a version that it has, or by --packages the folder that npm run pack -- --out has written';
  throw new Refusal(`the registry has no @rondo/tool@${wanted}`, { remedy });
}

/**
 * Finds the packages of a version in the folder that `npm run pack -- --out` has written.
 *
 * @throws Refusal if there are none, or if there are several versions and none is wanted.
 */
export function inFolder(folder: string, wanted: string | undefined): Target {
  const all = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const files = all.filter((file) => file.endsWith('.tgz'));
  const versions = files.flatMap((file) => /^rondo-tool-(\d.*)\.tgz$/.exec(file)?.[1] ?? []);
  const [version, other] = versions.filter((one) => wanted === undefined || one === wanted);
  if (version === undefined) {
    const remedy = 'npm run pack -- --out writes them in a clone of Rondo';
    throw new Refusal(`${folder} has no packages${wanted === undefined ? '' : ` of ${wanted}`}`, { remedy });
  }
  if (other !== undefined)
    throw new Refusal(`${folder} has packages of ${versions.join(', ')}`, { remedy: 'name the version' });
  const tarballs = files.filter((file) => file.endsWith(`-${version}.tgz`)).sort();
  return { version, tarballs: tarballs.map((file) => path.join(folder, file)) };
}

/** Whether a version precedes another one. A pre-release precedes its release. Source: Semantic Versioning 2.0.0, 11 */
export function isOlder(version: string, other: string): boolean {
  const sortable = (one: string) => (one.includes('-') ? one : `${one}~`); // "-" sorts before "~"
  return sortable(version).localeCompare(sortable(other), 'en', { numeric: true }) < 0;
}
