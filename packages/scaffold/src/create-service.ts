import { existsSync } from 'node:fs';
import path from 'node:path';
import { type ChangeSet, withChanges } from './change-set.js';
import { type Contract, type ContractSource, loadContract } from './contract/index.js';
import { readManifests } from './manifests.js';
import { checkNameFree } from './name.js';
import type { NewServiceOptions } from './new-service-options.js';
import type { NewServiceOutcome } from './new-service-outcome.js';
import { choosePort } from './port.js';
import { recordWritten } from './record.js';
import { type Blueprint, nameHandlers, renderService, renderStarter, starterFile, stubsOf } from './render/index.js';
import { readText } from './repository.js';
import { addProject, addToCompose, COMPOSE, PROJECTS, readExemptions } from './root-files/index.js';
import { checkReplaceable, exemptFromStyle, takeContract } from './take-contract.js';
import { snakeCase } from './words.js';
import { build, format, guardProducts, install } from './workspace.js';

/** A service that was made. */
export interface CreatedService extends NewServiceOutcome {
  readonly kind: 'created';
}

/** Makes a service that isn't there yet. */
export async function createService(options: NewServiceOptions): Promise<CreatedService> {
  const { root, signal, name, progress } = options;
  const port = await progress.step('check', () => checkTree(options));
  const source = options.source ?? ownContract(root, name);
  const contract = await progress.step('contract', async () => {
    const loaded = await loadContract({ root, source, for: name, signal });
    await checkReplaceable(options, loaded);
    return loaded;
  });
  const blueprint = draw(options, { contract, port });
  return withChanges(root, async (changes) => {
    guardProducts(changes);
    const exempt = await progress.step('write', () => writeAll(options, { contract, blueprint, changes }));
    await progress.step('install', () => install(options));
    await progress.step('build', () => build(options));
    const files = changes.written();
    recordWritten(
      root,
      changes,
      files.filter((file) => /^(services|proto)\//.test(file)),
    );
    const methods = blueprint.services.flatMap((named) => stubsOf(name, named));
    return { kind: 'created', service: name, port, files, methods, exempt };
  });
}

/** Everything that could refuse later is asked now; resolves to the port. */
function checkTree(options: NewServiceOptions): number {
  const { root, name, port } = options;
  const manifests = readManifests(root);
  checkNameFree(root, name);
  const chosen = choosePort(root, manifests, port);
  addProject(readText(root, PROJECTS), `services/${name}`);
  addToCompose(readText(root, COMPOSE), { service: name, port: chosen, database: databaseOf(options) });
  readExemptions(root);
  return chosen;
}

/** What somebody wrote where the starter would stand, or else the starter. */
function ownContract(root: string, name: string): ContractSource {
  const file = starterFile(name);
  const written = path.join(root, 'proto', file);
  if (existsSync(written)) return { kind: 'file', path: path.relative(process.cwd(), written) };
  return { kind: 'text', path: file, text: renderStarter(name) };
}

/** A database of its own, called as the service is. */
const databaseOf = ({ name, withDatabase }: NewServiceOptions) => (withDatabase ? snakeCase(name) : undefined);

function draw(
  options: NewServiceOptions,
  { contract, port }: { readonly contract: Contract; readonly port: number },
): Blueprint {
  const services = nameHandlers(contract.services);
  return { name: options.name, port, contracts: [contract.file], services, database: databaseOf(options) };
}

interface Drawn {
  readonly contract: Contract;
  readonly blueprint: Blueprint;
  readonly changes: ChangeSet;
}

async function writeAll(
  options: NewServiceOptions,
  { contract, blueprint, changes }: Drawn,
): Promise<readonly string[]> {
  const { root } = options;
  const { name: service, port, database } = blueprint;
  const rendered = renderService(blueprint);
  for (const [file, text] of rendered) changes.write(file, text);
  changes.write(PROJECTS, addProject(readText(root, PROJECTS), `services/${service}`));
  changes.write(COMPOSE, addToCompose(readText(root, COMPOSE), { service, port, database }));
  takeContract(contract, changes);
  // Also one that somebody put there: what is made passes every check.
  const files = contract.files.map((file) => file.path);
  const exempt = exemptFromStyle(options, { ...contract, files }, changes);
  await format(
    options,
    rendered.map(([file]) => file).filter((file) => !file.endsWith('.sql')),
  );
  return exempt;
}
