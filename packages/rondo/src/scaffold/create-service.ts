import { existsSync } from 'node:fs';
import path from 'node:path';
import { readManifests, serviceNames } from '../workspace/manifests.js';
import { addDatabase } from './add-database.js';
import { type FirstResource, firstResource } from './add-resource.js';
import { type ChangeSet, withChanges } from './change-set.js';
import { choosePort } from './choose-port.js';
import type { Contract } from './contract/contract.js';
import type { ContractSource } from './contract/find-source.js';
import { loadContract } from './contract/load.js';
import { checkReplaceable, copyContract, exemptFromStyle } from './copy-contract.js';
import { checkNameFree } from './name.js';
import { packagesOf } from './packages.js';
import { recordWritten } from './record.js';
import { openMethods, stubsOf } from './render/app.js';
import { type Blueprint, nameHandlers } from './render/blueprint.js';
import { renderService, renderStarter, starterFile, starterScope } from './render/service-files.js';
import { readText } from './repository.js';
import { snakeCase } from './words.js';
import {
  backUpProducts,
  build,
  format,
  install,
  type NewServiceOutcome,
  type Progress,
  type Workspace,
} from './workspace.js';
import { readExemptions } from './workspace-files/buf-exemptions.js';
import { addToCompose, COMPOSE } from './workspace-files/compose-file.js';
import { addProject, PROJECTS } from './workspace-files/project-references.js';
import { addToPrometheus, PROMETHEUS } from './workspace-files/prometheus-file.js';

/** The options of `rondo new service`. */
export interface NewServiceOptions extends Workspace {
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
  readonly progress: Progress;
}

/** A service that was created. */
export interface CreatedService extends NewServiceOutcome {
  readonly kind: 'created';
  /** Whether the rules of the first method refuse a request without fields. */
  readonly refusesEmpty: boolean;
  /** Resources whose standard methods are stubs, as the service has no database. */
  readonly unserved: readonly string[];
  /** Why the standard methods of further resources are stubs. */
  readonly byHand: readonly string[];
}

/** Creates a new service. */
export async function createService(options: NewServiceOptions): Promise<CreatedService> {
  const { root, signal, name, progress } = options;
  const { port, shared } = await progress.step('check', () => checkTree(options));
  const first = options.resource && firstResource(name, options.resource);
  const source = options.source ?? first?.source ?? ownContract(root, name);
  const contract = await progress.step('contract', async () => {
    const loaded = await loadContract({ root, source, for: name, signal });
    await checkReplaceable(options, loaded);
    return loaded;
  });
  const scope = source.kind === 'text' && first === undefined ? starterScope(name) : undefined;
  const blueprint = createBlueprint(options, { contract, port, scope, unique: first?.unique ?? [] });
  return withChanges(root, async (changes) => {
    backUpProducts(changes);
    const exempt = await progress.step('write', () => writeAll(options, { contract, blueprint, shared, changes }));
    await progress.step('install', () => install(options));
    await progress.step('build', () => build(options));
    const files = changes.written();
    recordWritten(
      root,
      changes,
      files.filter((file) => /^(services|proto)\//.test(file)),
    );
    const methods = blueprint.services.flatMap((named) => stubsOf(name, named));
    const [first] = blueprint.services.flatMap(openMethods);
    const unserved = options.withDatabase ? [] : contract.services.flatMap(({ resources }) => resources);
    return {
      ...{ kind: 'created', service: name, port, files, methods, exempt },
      refusesEmpty: first?.refusesEmpty ?? false,
      unserved: unserved.map(({ One }) => One),
      byHand: contract.services.flatMap((one) => one.byHand ?? []),
    };
  });
}

/** The texts of files of the workspace that change before the service is added. */
type Shared = ReadonlyMap<string, string>;

/** Runs every check that could refuse later. */
async function checkTree(options: NewServiceOptions): Promise<{ readonly port: number; readonly shared: Shared }> {
  const { root, name, port } = options;
  checkNameFree(root, name);
  const chosen = choosePort(root, readManifests(serviceNames(root), root), port);
  addProject(readText(root, PROJECTS), `services/${name}`);
  const shared: Shared = options.withDatabase ? await addDatabase(root) : new Map();
  addToCompose(shared.get(COMPOSE) ?? readText(root, COMPOSE), {
    service: name,
    port: chosen,
    database: databaseOf(options),
  });
  readExemptions(root);
  return { port: chosen, shared };
}

/** The contract at the default path if it exists, else the starter contract. */
function ownContract(root: string, name: string): ContractSource {
  const file = starterFile(name);
  const written = path.join(root, 'proto', file);
  if (existsSync(written)) return { kind: 'file', path: path.relative(process.cwd(), written) };
  return { kind: 'text', path: file, text: renderStarter(name) };
}

/** The name of the service's own database: the name of the service. */
const databaseOf = ({ name, withDatabase }: NewServiceOptions) => (withDatabase ? snakeCase(name) : undefined);

function createBlueprint(
  options: NewServiceOptions,
  {
    contract,
    port,
    scope,
    unique,
  }: Pick<Blueprint, 'port' | 'scope'> & {
    readonly contract: Contract;
    readonly unique: readonly string[];
  },
): Blueprint {
  const { withDatabase } = options;
  const served = contract.services.map((one) => (withDatabase ? one : { ...one, resources: [] }));
  const services = nameHandlers(served, [], unique);
  const { name, root } = options;
  const packages = packagesOf(root);
  return { name, port, contracts: [contract.file], services, database: databaseOf(options), packages, scope };
}

interface Drawn {
  readonly contract: Contract;
  readonly blueprint: Blueprint;
  readonly shared: Shared;
  readonly changes: ChangeSet;
}

async function writeAll(
  options: NewServiceOptions,
  { contract, blueprint, shared, changes }: Drawn,
): Promise<readonly string[]> {
  const { root } = options;
  const { name: service, port, database } = blueprint;
  const rendered = renderService(blueprint);
  for (const [file, text] of [...shared, ...rendered]) changes.write(file, text);
  changes.write(PROJECTS, addProject(readText(root, PROJECTS), `services/${service}`));
  changes.write(COMPOSE, addToCompose(readText(root, COMPOSE), { service, port, database }));
  if (existsSync(path.join(root, PROMETHEUS)))
    changes.write(PROMETHEUS, addToPrometheus(readText(root, PROMETHEUS), service));
  copyContract(contract, changes);
  // Also a contract that already existed: the created service must pass every check.
  const files = contract.files.map((file) => file.path);
  const exempt = exemptFromStyle(options, { ...contract, files }, changes);
  await format(
    options,
    rendered.map(([file]) => file).filter((file) => !file.endsWith('.sql')),
  );
  return exempt;
}
