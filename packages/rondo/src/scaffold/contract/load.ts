import path from 'node:path';
import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { ownServices, readManifests } from '../../workspace/manifests.js';
import { Refusal } from '../errors.js';
import { compile, refuseFaults, type Staged } from './compile.js';
import { refuseConflicts } from './conflicts.js';
import { type Contract, compiledIn, servicesOf } from './contract.js';
import { readImportGraph } from './imports.js';
import { packageImports } from './platform.js';
import { type ContractSource, findSource, type PlacedFile } from './source.js';
import { withStage } from './stage.js';
import { findUnsupported } from './unsupported.js';

/** The options of {@link loadContract}. */
export interface LoadOptions {
  /** The repository's folder. */
  readonly root: string;
  readonly source: ContractSource;
  /**
   * The service, by its folder under `services/`, that the contract is for. Contracts in its manifest don't count as
   * another service's.
   */
  readonly for?: string;
  readonly signal: AbortSignal;
}

/**
 * Loads a contract, and checks it with a copy of the tree's contracts.
 *
 * @throws Refusal with file, line and remedy if the contract can't be used; the signal's reason if the signal aborts.
 */
export async function loadContract({ root: given, source, for: owner, signal }: LoadOptions): Promise<Contract> {
  const root = path.resolve(given);
  const manifests = readManifests(ownServices(root), root);
  const own = manifests.filter(({ service }) => service === owner).flatMap(({ contracts }) => contracts);
  const placed = findSource(root, source, own);
  const others = manifests.filter(({ service }) => service !== owner);
  const served = new Map(others.flatMap(({ service, contracts }) => contracts.map((one) => [one, service])));
  refuseConflicts(placed, { imports: readImportGraph(root), served, provides: packageImports(root) });
  return withStage({ root, files: placed.files, signal }, (stage) => checkOnStage({ ...placed, stage }, root));
}

async function checkOnStage(staged: Staged, root: string): Promise<Contract> {
  const { asked, files, shown } = staged;
  const registry = await compile(staged);
  for (const file of files) {
    const unfit = findUnsupported(described(registry, file));
    if (unfit === undefined) continue;
    const { reason, line, remedy } = unfit;
    throw new Refusal(reason, { place: { file: shown(file.file), ...(line && { line }) }, remedy });
  }
  refuseFaults(registry, staged);
  const services = servicesOf(described(registry, asked), await compiledIn(root, registry));
  if (services.length === 0)
    throw new Refusal('declares no service', {
      place: { file: shown(asked.file) },
      remedy: 'name the file that declares one',
    });
  const tree = path.join(root, 'proto', path.sep);
  const isForeign = (file: PlacedFile) => file.state !== 'same' && !file.file.startsWith(tree);
  return { file: asked.path, files, services, foreign: files.filter(isForeign).map((file) => file.path) };
}

function described(registry: FileRegistry, { path: name }: PlacedFile): DescFile {
  const file = registry.getFile(name);
  if (file === undefined) throw new TypeError(`buf compiled everything but proto/${name}`);
  return file;
}
