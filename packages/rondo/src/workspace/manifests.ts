/** The manifests of services: "rondo" in their package.json, which says how to start them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf } from './errors.js';
import { root } from './paths.js';

/** The service that all others need. */
export const REGISTRY = 'registry';

/** How a service is started. The launcher reads it here; scaffold/ reads it for commands that change the tree. */
export interface Manifest {
  /** Its name: that of its folder under services/, or of its package. */
  readonly service: string;
  /** Its port with the default base port. */
  readonly port: number;
  /** How many run. */
  readonly instances: number;
  /** The contracts that it serves, as paths under proto/. */
  readonly contracts: readonly string[];
  /** The database and the role that it owns. */
  readonly database?: string | undefined;
  /** Its listener for callers outside of the system, if it has one. */
  readonly public?: PublicListener | undefined;
  /** Packages whose files it serves, by the folder that its image has them in. */
  readonly assets?: Readonly<Record<string, string>> | undefined;
}

/** A listener beside the gRPC port. */
export interface PublicListener {
  /** Its port with the default base port. */
  readonly port: number;
  /** Its port relative to any other base port. */
  readonly offset: number;
  /** The environment variable that holds its address. */
  readonly variable: string;
}

/**
 * The manifests, sorted by port; the registry's is the first.
 *
 * @throws Error with one line that names the file and the field.
 */
export const readManifests = (): readonly Manifest[] =>
  serviceNames()
    .map(readManifest)
    .sort((one, other) => one.port - other.port);

/** The manifests that can be read, and the faults of the others, by service. */
export function tryManifests(services: readonly string[] = serviceNames()) {
  const manifests = new Map<string, Manifest>();
  const faults = new Map<string, string>();
  for (const service of services) {
    try {
      manifests.set(service, readManifest(service));
    } catch (error) {
      faults.set(service, messageOf(error));
    }
  }
  return { manifests, faults };
}

/** The services of the workspace: its own, and those of packages. */
export const serviceNames = (): readonly string[] => [...new Set([...providedServices().keys(), ...ownServices()])];

/** The folders under services/ that hold a service. */
export const ownServices = (): readonly string[] => readdirSync(path.join(root, 'services')).filter(isOwn);

const isOwn = (service: string): boolean => existsSync(path.join(root, 'services', service, 'package.json'));

/** The folders of the services that the root's dependencies bring, such as @rondo/registry, by service. */
function providedServices(): ReadonlyMap<string, string> {
  const { dependencies = {} } = readJson('package.json');
  return new Map(
    Object.keys(dependencies)
      .map((name) => [path.posix.basename(name), `node_modules/${name}`] as const)
      .filter(([, folder]) => existsSync(path.join(root, folder)) && readJson(`${folder}/package.json`).rondo?.port),
  );
}

/** The folder of a service, from the root. One under services/ takes the place of a package's. */
export function folderOf(service: string): string {
  const own = `services/${service}`;
  return isOwn(service) ? own : (providedServices().get(service) ?? own);
}

/** The program of a service. */
export const entryOf = (service: string): string => path.join(root, folderOf(service), 'dist/main.js');

/** @throws Error with one line that names the file and the field. */
export function readManifest(service: string): Manifest {
  const file = `${folderOf(service)}/package.json`;
  const { port, instances = 1, contracts, database, public: outside, assets } = readJson(file).rondo ?? {};
  const rules: readonly (readonly [holds: boolean, rule: string])[] = [
    [isPort(port), 'port must be a port, such as 50060'],
    [Number.isInteger(instances) && instances > 0, 'instances must be a whole number from 1'],
    [Array.isArray(contracts) && contracts.length > 0, 'contracts must list paths under proto/'],
    [database === undefined || /^[a-z_][a-z0-9_]*$/.test(database), 'database must be a PostgreSQL name'],
    [outside === undefined || isPublic(outside), PUBLIC_RULE],
    [
      assets === undefined || Object.values(assets).every((name) => typeof name === 'string'),
      'assets must give folders their packages: {"docs": "swagger-ui-dist"}',
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken !== undefined) throw new Error(`${file}: rondo.${broken[1]}`);
  return { service, port, instances, contracts, database, public: outside, assets };
}

const isPort = (port: unknown): boolean => Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536;

const PUBLIC_RULE =
  'public must hold a port, its offset from the base port, and the variable of its address: ' +
  '{"port": 8080, "offset": 20, "variable": "RONDO_…_LISTEN"}';

const isPublic = ({ port, offset, variable }: PublicListener): boolean =>
  isPort(port) && isPort(offset) && /^RONDO_\w+$/.test(variable);

function readJson(file: string) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch (error) {
    const fault = codeOf(error) === 'ENOENT' ? `${file} is missing` : `${file}: ${messageOf(error)}`;
    throw new Error(fault, { cause: error });
  }
}
