import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';

/** The folders of packages and services, as paths from the root. A folder without a manifest doesn't count. */
export const workspaceFolders = (): readonly string[] =>
  ['packages', 'plugins', 'services']
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')));

/** The instances that `npm start` runs, sorted. Services that a team has added are included. */
export function plannedInstances(): readonly string[] {
  const services = workspaceFolders().filter((folder) => folder.startsWith('services/'));
  return services.flatMap(instancesOf).sort();
}

function instancesOf(folder: string): readonly string[] {
  const name = folder.slice('services/'.length);
  const { rondo } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  if (name === 'registry') return [name];
  return Array.from({ length: rondo.instances ?? 1 }, (_, index) => `${name}-${index + 1}`);
}
