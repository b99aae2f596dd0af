import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { didYouMean } from '../terminal/index.js';
import { codeOf } from '../thrown.js';

const SUFFIX = '.log';

/** The instances that have a log in `folder`, by name; none where there is no such folder. */
export async function listLogs(folder: string): Promise<readonly string[]> {
  try {
    const files = await readdir(folder);
    const byName = new Intl.Collator('en', { numeric: true });
    return files
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => file.slice(0, -SUFFIX.length))
      .sort(byName.compare);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Where the log of `instance` is. */
export function logPath(folder: string, instance: string): string {
  return path.join(folder, `${instance}${SUFFIX}`);
}

/** The instances that `name` means: the one of that name, or all of the service of that name; all where none is given. */
export function selectLogs(name: string | undefined, instances: readonly string[]): readonly string[] {
  if (name === undefined || instances.includes(name)) return name === undefined ? instances : [name];
  return instances.filter((instance) => serviceOf(instance) === name);
}

/** The names that mean a log of `instances`: theirs and those of their services. */
export function logNames(instances: readonly string[]): readonly string[] {
  return [...new Set([...instances.map(serviceOf), ...instances])].sort();
}

/** Says which names there are. */
export function unknownLog(name: string, instances: readonly string[]): Error {
  const names = logNames(instances);
  return new Error(`there is no log of "${name}".${didYouMean(name, names)} There are: ${names.join(', ')}`);
}

/** An instance is named after its service and a suffix: `calculator-1`. */
function serviceOf(instance: string): string {
  return instance.replace(/-[^-]+$/, (suffix) => (/\d/.test(suffix) ? '' : suffix));
}
