import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../workspace/errors.js';
import { Refusal } from './errors.js';
import { composeServices } from './workspace-files/compose-file.js';

/** What a service tells its launchers about itself: `rondo` in its package.json. */
export interface Manifest {
  /** Its folder under `services/`. */
  readonly service: string;
  /** The port that it listens on with the default base port. */
  readonly port: number;
  /** The contracts that it serves, as paths under `proto/`. */
  readonly contracts: readonly string[];
  /** The database that it owns. */
  readonly database: string | undefined;
  /** Its listener for callers outside of the system, if it has one. */
  readonly public?: PublicPort | undefined;
}

/** The port of a listener beside the gRPC port. */
interface PublicPort {
  /** With the default base port. */
  readonly port: number;
  /** Relative to any other base port. */
  readonly offset: number;
}

/**
 * Reads the manifests of all services.
 *
 * @throws Refusal if one can't be read.
 */
export function readManifests(root: string): readonly Manifest[] {
  return readdirSync(path.join(root, 'services'))
    .filter((service) => existsSync(path.join(root, 'services', service, 'package.json')))
    .map((service) => readManifest(root, `services/${service}/package.json`, service));
}

/** The manifests of the services that the root's dependencies bring: an app's registry and gateway. */
export function readProvided(root: string): readonly Manifest[] {
  const names = Object.keys(section(parse(root, 'package.json'), 'dependencies'));
  return names
    .map((name) => ({ file: `node_modules/${name}/package.json`, service: path.posix.basename(name) }))
    .filter(({ file }) => existsSync(path.join(root, file)) && 'port' in section(parse(root, file), 'rondo'))
    .map(({ file, service }) => readManifest(root, file, service));
}

/** The names of all services of the workspace: its own, and those of packages. */
export const serviceNames = (root: string): readonly string[] => [
  ...new Set([...readProvided(root), ...readManifests(root)].map(({ service }) => service)),
];

function readManifest(root: string, file: string, service: string): Manifest {
  const rondo = section(parse(root, file), 'rondo');
  const { port, contracts, database } = { port: undefined, contracts: undefined, database: undefined, ...rondo };
  if (typeof port === 'number' && isListOfTexts(contracts)) {
    const named = typeof database === 'string' ? database : undefined;
    return { service, port, contracts, database: named, public: publicPort(rondo) };
  }
  throw new Refusal('"rondo" names no port and contracts', {
    place: { file },
    remedy: 'write them as the other services do',
  });
}

function parse(root: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
  } catch (error) {
    throw new Refusal(`can't be read: ${messageOf(error)}`, {
      place: { file },
      remedy: 'make it JSON again',
    });
  }
}

function section(value: unknown, key: string): object {
  const found = typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
  return typeof found === 'object' && found !== null ? found : {};
}

function publicPort(rondo: object): PublicPort | undefined {
  const { port, offset } = { port: undefined, offset: undefined, ...section(rondo, 'public') };
  return typeof port === 'number' && typeof offset === 'number' ? { port, offset } : undefined;
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

/** The default base port of `npm start`. */
const BASE = 50_050;
/** The first port for new services. The ports below it are for the services that come with Rondo. */
const FIRST = 50_060;
const MAX = 65_535;
/** The port of the embedded PostgreSQL. */
const DATABASE = 50_059;

/**
 * Chooses the port of a new service: the requested one, else the next free one.
 *
 * @throws Refusal if the requested port isn't available.
 */
export function choosePort(root: string, manifests: readonly Manifest[], wanted?: number): number {
  const taken = portsTaken(root, manifests);
  if (wanted === undefined) return firstFree(taken);
  const by = taken.get(wanted);
  const refuse = (reason: string) =>
    new Refusal(`port ${wanted} ${reason}`, { remedy: `take another, such as ${firstFree(taken)}` });
  if (by !== undefined) throw refuse(`belongs to ${by}`);
  if (wanted <= BASE || wanted > MAX)
    throw refuse(`can't be the port of a service: these lie above ${BASE}, the base port of npm start`);
  return wanted;
}

function portsTaken(root: string, manifests: readonly Manifest[]): ReadonlyMap<number, string> {
  return new Map([
    [DATABASE, 'the embedded PostgreSQL'],
    ...composeServices(root).flatMap(({ name, ports }) => ports.map((port): [number, string] => [port, name])),
    ...manifests.flatMap(portsOf),
  ]);
}

/** The base port may be another one, so a public port takes two: its own, and the one at its offset. */
function portsOf({ port, service, public: outside }: Manifest): readonly [number, string][] {
  const open = outside === undefined ? [] : [outside.port, BASE + outside.offset];
  return [port, ...open].map((taken) => [taken, service]);
}

function firstFree(taken: ReadonlyMap<number, string>): number {
  let port = FIRST;
  while (taken.has(port)) port += 1;
  return port;
}
