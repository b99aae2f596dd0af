import { existsSync } from 'node:fs';
import path from 'node:path';
import { publicPorts } from '../check/planned.js';
import { DEFAULTS } from '../launch/options.js';
import { DATABASE_OFFSET } from '../launch/plan.js';
import { type Manifest, readManifests, serviceNames } from '../workspace/manifests.js';
import { addDatabase } from './add-database.js';
import { loadContract } from './contract/load.js';
import type { ContractSource } from './contract/source.js';
import { Refusal } from './errors.js';
import { contractFiles, type Made, make } from './make.js';
import { checkNameFree } from './name.js';
import { type FirstResource, firstResource } from './new-resource.js';
import { packagesOf } from './packages.js';
import { openMethods, type Stub, stubsOf } from './render/app.js';
import { type Blueprint, nameHandlers } from './render/blueprint.js';
import { renderService, renderStarter, starterFile, starterScope } from './render/service-files.js';
import { filesAt, readText } from './repository.js';
import type { Files, Tree } from './tree.js';
import { snakeCase } from './words.js';
import { addToCompose, COMPOSE, composeServices } from './workspace-files/compose-file.js';
import { addProject, PROJECTS } from './workspace-files/project-references.js';
import { addToPrometheus, PROMETHEUS } from './workspace-files/prometheus-file.js';

export interface NewServiceOptions extends Tree {
  readonly name: string;
  /**
   * The contract. By default the contract at the service's default path, or else a starter contract; for an existing
   * service the contracts that it has.
   */
  readonly source: ContractSource | undefined;
  readonly withDatabase: boolean;
  /** A resource whose contract the new service has in place of the starter contract. */
  readonly resource?: FirstResource | undefined;
  /** The port; by default the next free one. */
  readonly port: number | undefined;
}

export interface CreatedService extends Made {
  readonly kind: 'created';
  /** The port that it listens on with the default base port. */
  readonly port: number;
  /** The methods to implement next, each with the file of its handler. */
  readonly methods: readonly Stub[];
  /** Whether the rules of the first method refuse a request without fields. */
  readonly refusesEmpty: boolean;
  /** Resources whose standard methods are stubs, as the service has no database. */
  readonly unserved: readonly string[];
  /** Why the standard methods of further resources are stubs. */
  readonly byHand: readonly string[];
}

/** Creates a new service. @throws Refusal for what isn't possible, before anything is written. */
export async function createService(options: NewServiceOptions): Promise<CreatedService> {
  const { root, signal, name, progress, withDatabase } = options;
  const database = withDatabase ? snakeCase(name) : undefined;
  const { port, edited } = await progress.step('check', async () => {
    checkNameFree(root, name);
    const port = choosePort(root, readManifests(serviceNames(root), root), options.port);
    return { port, edited: await naming(root, { service: name, port, database }) };
  });
  const first = options.resource && firstResource(name, options.resource);
  const source = options.source ?? first?.source ?? ownContract(root, name);
  const contract = await progress.step('contract', () => loadContract({ root, source, for: name, signal }));
  const scope = source.kind === 'text' && first === undefined ? starterScope(name) : undefined;
  const served = contract.services.map((one) => (withDatabase ? one : { ...one, resources: [] }));
  const services = nameHandlers(served, [], first?.unique);
  const packages = packagesOf(root);
  const blueprint: Blueprint = { name, port, contracts: [contract.file], services, database, packages, scope };
  const [open] = services.flatMap(openMethods);
  const unserved = withDatabase ? [] : contract.services.flatMap(({ resources }) => resources);
  return {
    kind: 'created',
    service: name,
    port,
    methods: services.flatMap((named) => stubsOf(name, named)),
    ...(await make(
      options,
      [name],
      new Map([...renderService(blueprint), ...edited, ...contractFiles(root, contract)]),
    )),
    exempt: contract.foreign,
    refusesEmpty: open?.refusesEmpty ?? false,
    unserved: unserved.map(({ One }) => One),
    byHand: contract.services.flatMap((one) => one.byHand ?? []),
  };
}

/** The files that name each service, with another one. */
async function naming(root: string, entry: Parameters<typeof addToCompose>[1]): Promise<Files> {
  const shared = entry.database === undefined ? new Map<string, string>() : await addDatabase(root);
  const text = (file: string) => shared.get(file) ?? readText(root, file);
  return new Map([
    ...shared,
    [PROJECTS, addProject(text(PROJECTS), `services/${entry.service}`)],
    [COMPOSE, addToCompose(text(COMPOSE), entry)],
    ...filesAt(root, PROMETHEUS).map((file) => [file, addToPrometheus(text(file), entry.service)] as const),
  ]);
}

/** The contract at the default path if it exists, else the starter contract. */
function ownContract(root: string, name: string): ContractSource {
  const file = starterFile(name);
  const written = path.join(root, 'proto', file);
  if (existsSync(written)) return { kind: 'file', path: path.relative(process.cwd(), written) };
  return { kind: 'text', path: file, text: renderStarter(name) };
}

type ServicePorts = Pick<Manifest, 'service' | 'port' | 'public'>;

const { portBase: BASE } = DEFAULTS;
/** The first port for new services. The ports below it are for the services that come with Rondo. */
const FIRST = 50_060;
const MAX = 65_535;

/**
 * Chooses the port of a new service: the requested one, else the next free one.
 *
 * @throws Refusal if the requested port isn't available.
 */
export function choosePort(root: string, manifests: readonly ServicePorts[], wanted?: number): number {
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

function portsTaken(root: string, manifests: readonly ServicePorts[]): ReadonlyMap<number, string> {
  return new Map([
    [BASE + DATABASE_OFFSET, 'the embedded PostgreSQL'],
    ...composeServices(root).flatMap(({ name, ports }) => ports.map((port): [number, string] => [port, name])),
    ...manifests.flatMap((one) => [one.port, ...publicPorts(one)].map((port): [number, string] => [port, one.service])),
  ]);
}

function firstFree(taken: ReadonlyMap<number, string>): number {
  let port = FIRST;
  while (taken.has(port)) port += 1;
  return port;
}
