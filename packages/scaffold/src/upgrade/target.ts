import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Refusal } from '../errors.js';
import { runProgram } from '../program.js';
import type { UpgradeOptions } from './upgrade-app.js';

/** The version to upgrade to. */
export interface Target {
  readonly version: string;
  /** The paths of its packages; none if the registry has them. */
  readonly tarballs: readonly string[];
}

/**
 * Finds the version that is asked for, by default the newest.
 *
 * @throws Refusal if neither the folder nor the registry has it.
 */
export function findTarget(options: Pick<UpgradeOptions, 'root' | 'signal' | 'version' | 'packages'>): Promise<Target> {
  const { packages, version } = options;
  return packages === undefined ? inRegistry(options) : Promise.resolve(inFolder(packages, version));
}

async function inRegistry({ root, signal, version: wanted = 'latest' }: Parameters<typeof findTarget>[0]) {
  const { output } = await runProgram('npm', ['view', `@rondo/tool@${wanted}`, 'version'], { cwd: root, signal });
  const version = /^\d+\.\d+\.\d+\S*$/m.exec(output)?.[0];
  if (version !== undefined) return { version, tarballs: [] };
  throw new Refusal(`the registry has no @rondo/tool@${wanted}`, {
    remedy: 'name a version that it has, or by --packages the folder that npm run pack -- --out has written',
  });
}

/** Finds it in the folder of packages that `npm run pack -- --out` has written. */
export function inFolder(folder: string, wanted: string | undefined): Target {
  const files = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  const versions = files.flatMap((file) => /^rondo-tool-(\d.*)\.tgz$/.exec(file)?.[1] ?? []);
  const [version = '', other] = versions.filter((one) => wanted === undefined || one === wanted);
  if (version === '') {
    throw new Refusal(`${folder} has no packages${wanted === undefined ? '' : ` of ${wanted}`}`, {
      remedy: 'npm run pack -- --out writes them in a clone of Rondo',
    });
  }
  if (other !== undefined) {
    throw new Refusal(`${folder} has packages of ${versions.join(', ')}`, { remedy: 'name the version' });
  }
  const tarballs = files.filter((file) => file.endsWith(`-${version}.tgz`)).sort();
  return { version, tarballs: tarballs.map((file) => path.join(folder, file)) };
}
