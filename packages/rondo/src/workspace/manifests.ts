/** The manifests of services: "rondo" in their package.json, which says how to start them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf } from './errors.js';
import { fieldsOf } from './files.js';
import { root } from './paths.js';

/** The service that all others need. */
export const REGISTRY = 'registry';

/** How a service is started. */
export interface Manifest {
  /** Its name: that of its folder under services/, or of its package. */
  readonly service: string;
  /** Its port with the default base port. */
  readonly port: number;
  readonly instances: number;
  /** The contracts that it serves, as paths under proto/. */
  readonly contracts: readonly string[];
  /** The database and the role that it owns. */
  readonly database?: string | undefined;
  /** Its listener for callers outside of the system, if it has one. */
  readonly public?: PublicListener | undefined;
  /** Packages whose files it serves, by the folder that its image has them in. */
  readonly assets?: Readonly<Record<string, string>> | undefined;
  /** The path below which the gateway serves its folder `page/`, if it has one: `board` for `/board`. */
  readonly page?: string | undefined;
  /** How it is started if it is in another language, with what `rondo join` registers; undefined for one of Rondo's. */
  readonly join?: JoinedServer | undefined;
}

/** A server that knows nothing of Rondo. */
interface JoinedServer {
  /** The services that it serves. */
  readonly services: readonly string[];
  /** Its program and the arguments, run in its folder. It finds its port in the variable PORT. */
  readonly command: readonly string[];
}

/** A listener besides the gRPC port. */
export interface PublicListener {
  /** Its port with the default base port. */
  readonly port: number;
  /** Its port relative to any other base port. */
  readonly offset: number;
  /** The environment variable that holds its address. */
  readonly variable: string;
  /**
   * The variable that makes it serve the console at an address, if it has one. `npm start` also gives it the arguments `--pages` and
   * `--launcher`.
   */
  readonly console?: string | undefined;
}

/**
 * The manifests, sorted by port; the registry's is the first.
 *
 * @throws Error with one line that names the file and the field.
 */
export const readManifests = (services = serviceNames(), on = root): readonly Manifest[] =>
  services.map((service) => readManifest(service, on)).sort((one, other) => one.port - other.port);

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

/** The services of a workspace: its own, and those of packages. */
export const serviceNames = (on = root): readonly string[] => [
  ...new Set([...providedServices(on).keys(), ...ownServices(on)]),
];

/** The folders under services/ that hold a service. */
export const ownServices = (on = root): readonly string[] =>
  readdirSync(path.join(on, 'services')).filter((service) => isOwn(service, on));

const isOwn = (service: string, on: string): boolean => existsSync(path.join(on, 'services', service, 'package.json'));

/** The folders of the services that the root's dependencies bring, such as @rondo/registry, by service. */
function providedServices(on: string): ReadonlyMap<string, string> {
  return new Map(
    Object.keys(section(readJson('package.json', on), 'dependencies'))
      .map((name) => [path.posix.basename(name), `node_modules/${name}`] as const)
      .filter(([, folder]) => existsSync(path.join(on, folder)))
      .filter(([, folder]) => 'port' in section(readJson(`${folder}/package.json`, on), 'rondo')),
  );
}

/** The folder of a service, from the root. One under services/ takes the place of a package's. */
export function folderOf(service: string, on = root): string {
  const own = `services/${service}`;
  return isOwn(service, on) ? own : (providedServices(on).get(service) ?? own);
}

export const entryOf = (service: string): string => path.join(root, folderOf(service), 'dist/main.js');

/** Whether a service can be started: one of Rondo's must be built. */
export const isStartable = ({ service, join }: Manifest): boolean => join !== undefined || existsSync(entryOf(service));

/** @throws Error with one line that names the file and the field. */
export function readManifest(service: string, on = root): Manifest {
  const file = `${folderOf(service, on)}/package.json`;
  const rondo: Readonly<Record<string, unknown>> = { instances: 1, ...section(readJson(file, on), 'rondo') };
  const field = <T>(name: string, is: (value: unknown) => value is T, rule: string): T => {
    const value = rondo[name];
    if (is(value)) return value;
    throw new Error(`${file}: rondo.${name} must ${rule}`);
  };
  return {
    service,
    port: field('port', isPort, 'be a port, such as 50060'),
    instances: field('instances', isCount, 'be a whole number from 1'),
    contracts: field('contracts', isPaths, 'list paths under proto/'),
    database: field('database', orNone(isDatabase), 'be a PostgreSQL name'),
    public: field('public', orNone(isPublic), PUBLIC_RULE),
    assets: field('assets', orNone(isAssets), 'give folders their packages: {"console": "@rondo/console"}'),
    join: field('join', orNone(isJoined), JOIN_RULE),
    page: field('page', orNone(isPage), 'be the path of its page: a word of a-z 0-9 - that the gateway leaves free'),
  };
}

const orNone =
  <T>(is: (value: unknown) => value is T) =>
  (value: unknown): value is T | undefined =>
    value === undefined || is(value);

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value > 0;

const isPort = (value: unknown): value is number => isCount(value) && value < 65_536;

const isText = (value: unknown): value is string => typeof value === 'string';

const isPaths = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every(isText);

const isDatabase = (value: unknown): value is string => isText(value) && /^[a-z_][a-z0-9_]*$/.test(value);

const isAssets = (value: unknown): value is Readonly<Record<string, string>> =>
  typeof value === 'object' && value !== null && Object.values(value).every(isText);

const isPage = (value: unknown): value is string =>
  isText(value) && /^[a-z][a-z0-9-]*$/.test(value) && !/^(?:console|healthz|readyz|v\d+)$/.test(value);

const JOIN_RULE =
  'hold the services of the server and its command: ' +
  '{"services": ["helloworld.Greeter"], "command": ["python3", "server.py"]}';

function isJoined(value: unknown): value is JoinedServer {
  const { services, command } = fieldsOf(value);
  return isPaths(services) && isPaths(command);
}

const PUBLIC_RULE =
  'hold a port, its offset from the base port, and the variable of its address: ' +
  '{"port": 8080, "offset": 20, "variable": "RONDO_…_LISTEN"}';

function isPublic(value: unknown): value is PublicListener {
  const { port, offset, variable, console } = fieldsOf(value);
  return isPort(port) && isPort(offset) && isVariable(variable) && orNone(isVariable)(console);
}

const isVariable = (value: unknown): value is string => isText(value) && /^RONDO_\w+$/.test(value);

const section = (value: unknown, key: string) => fieldsOf(fieldsOf(value)[key]);

function readJson(file: string, on: string): unknown {
  try {
    return JSON.parse(readFileSync(path.join(on, file), 'utf8'));
  } catch (error) {
    const fault = codeOf(error) === 'ENOENT' ? `${file} is missing` : `${file}: ${messageOf(error)}`;
    throw new Error(fault, { cause: error });
  }
}
