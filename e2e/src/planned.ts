import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceFolders } from './clone.js';
import { root } from './run.js';

/** The instances that `npm start` runs of this repository's services, those that a team has added included; sorted. */
export function plannedInstances(): readonly string[] {
  const services = workspaceFolders().filter((folder) => folder.startsWith('services/'));
  return services
    .flatMap((folder) => {
      const name = folder.slice('services/'.length);
      const { rondo } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
      const count = rondo.instances ?? 1;
      return name === 'registry' ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
    })
    .sort();
}
