import path from 'node:path';
import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { type Manifest, ownServices, readManifests } from '../../workspace/manifests.js';
import { Refusal } from '../errors.js';
import { packagesOf } from '../packages.js';
import { checkGeneratedCode, compile, placeOf, type Staged, styleRemarks } from './compile.js';
import { refuseConflicts } from './conflicts.js';
import { type Contract, servicesOf } from './contract.js';
import { refuseDeclared } from './duplicates.js';
import { type ContractSource, findSource } from './find-source.js';
import { type PlacedFile, placeFiles } from './place.js';
import { packageImports } from './platform.js';
import { importGraph, readScans } from './scan.js';
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
 * Loads a contract, and checks in a copy of the tree that its code can be generated and compiled.
 *
 * @throws Refusal with file, line and remedy if the contract can't be used; the signal's reason if the signal aborts.
 */
export async function loadContract({ root: given, source, for: owner, signal }: LoadOptions): Promise<Contract> {
  const root = path.resolve(given);
  const manifests = readManifests(ownServices(root), root);
  const own = manifests.filter(({ service }) => service === owner).flatMap(({ contracts }) => contracts);
  const { shown, ...found } = findSource(root, source);
  const placed = placeFiles(root, found, own);
  const tree = readScans(root);
  const served = servedBy(manifests.filter(({ service }) => service !== owner));
  refuseConflicts(placed, { imports: importGraph(tree), served, provides: packageImports(root), shown });
  refuseDeclared(placed, { root, tree, shown });
  return withStage({ root, files: placed.files, signal }, (stage) => checkOnStage({ ...placed, stage, shown }));
}

/** The service that serves each contract, by the manifests. */
const servedBy = (manifests: readonly Manifest[]): ReadonlyMap<string, string> =>
  new Map(manifests.flatMap(({ service, contracts }) => contracts.map((contract) => [contract, service])));

async function checkOnStage(staged: Staged): Promise<Contract> {
  const { stage, asked, files } = staged;
  const registry = await compile(staged);
  refuseUnsupported(registry, staged);
  // Most commands don't need them, and they load for long.
  const { createValidator } = await import('@bufbuild/protovalidate');
  const { describeTable } = await import('@rondo/resources/sql');
  const { contracts } = packagesOf(stage.folder);
  const validator = createValidator({ registry });
  const services = servicesOf(described(registry, asked), { registry, validator, describeTable, contracts });
  if (services.length === 0) {
    throw new Refusal('declares no service', {
      place: placeOf(asked, staged),
      remedy: 'name the file that declares one',
    });
  }
  await checkGeneratedCode(staged);
  const names = files.map((file) => file.path);
  return {
    file: asked.path,
    files: files.map(({ path: name, bytes, state }) => ({ path: name, bytes, state })),
    services,
    styleRemarks: await styleRemarks(stage, names),
  };
}

function refuseUnsupported(registry: FileRegistry, staged: Staged): void {
  for (const file of staged.files) {
    const unfit = findUnsupported(described(registry, file));
    if (unfit === undefined) continue;
    throw new Refusal(unfit.reason, { place: placeOf(file, staged, unfit.line), remedy: unfit.remedy });
  }
}

function described(registry: FileRegistry, { path: name }: PlacedFile): DescFile {
  const file = registry.getFile(name);
  if (file === undefined) throw new TypeError(`buf compiled everything but proto/${name}`);
  return file;
}
