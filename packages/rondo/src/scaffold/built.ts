import path from 'node:path';
import { builtContracts } from '../workspace/contracts.js';
import type { Manifest } from '../workspace/manifests.js';
import { compiledIn, type ServiceContract, servicesOf } from './contract/contract.js';
import { filesAt, readText } from './repository.js';
import { snakeCase } from './words.js';

/** The gRPC services of a service's contracts, as they were built last. */
export async function builtServices(root: string, { contracts }: Manifest): Promise<readonly ServiceContract[]> {
  const registry = builtContracts(root);
  const compiled = await compiledIn(root, registry);
  return contracts.flatMap((file) => servicesOf(registry.getFile(file), compiled));
}

/** The package of the service's contracts; for those without a version, one of the service's name. */
export function packageOf({ service, contracts }: Manifest): string {
  const [versioned] = contracts
    .map((file) => path.posix.dirname(file))
    .filter((folder) => /(?:^|\/)v\d\w*$/.test(folder));
  return (versioned ?? `${snakeCase(service)}/v1`).replaceAll('/', '.');
}

/** The file of the next migration. The first one of a new service is replaced, as long as it has only comments. */
export function nextMigration(root: string, service: string, name: string): string {
  const folder = `services/${service}/migrations`;
  const present = filesAt(root, folder).filter((file) => file.endsWith('.sql'));
  const [first = `${folder}/0001_${snakeCase(service)}.sql`] = present;
  const sql = present.map((file) => readText(root, file).replace(/^--.*$/gm, ''));
  if (sql.join('').trim() === '') return first;
  const last = Number(/(\d+)[^/]*$/.exec(present.at(-1) ?? '')?.[1] ?? 0);
  return `${folder}/${String(last + 1).padStart(4, '0')}_${name}.sql`;
}

/** The text of a manifest with further contracts and packages. */
export function withManifest(
  text: string,
  { contracts = [], dependencies }: { contracts?: readonly string[]; dependencies: Readonly<Record<string, string>> },
): string {
  const own = JSON.parse(text);
  const rondo = { ...own.rondo, contracts: [...new Set([...own.rondo.contracts, ...contracts])] };
  const all = Object.entries({ ...dependencies, ...own.dependencies }).sort(([one], [other]) => (one < other ? -1 : 1));
  return `${JSON.stringify({ ...own, rondo, dependencies: Object.fromEntries(all) }, undefined, 2)}\n`;
}
