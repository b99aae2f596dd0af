import path from 'node:path';
import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { readManifests } from '../manifests.js';
import { Refusal } from '../refusal.js';
import { compile, placeOf, type Staged, tryGeneratedCode } from './compile.js';
import { refuseConflicts } from './conflicts.js';
import type { Contract } from './contract.js';
import { servicesOf } from './describe.js';
import { type ContractSource, findSource } from './find-source.js';
import { findUnfit } from './fitness.js';
import { readImportGraph } from './import-graph.js';
import { type PlacedFile, placeFiles } from './place.js';
import { packageImports } from './platform.js';
import { onStage } from './stage.js';
import { styleRemarks } from './style.js';

/** What reading a contract needs. */
export interface LoadOptions {
  /** The repository's folder. */
  readonly root: string;
  readonly source: ContractSource;
  /** The folder under `services/` that the contract is for: what its manifest says that it serves isn't another's. */
  readonly for?: string;
  readonly signal: AbortSignal;
}

/**
 * Reads a contract, and proves outside the tree that it can be generated and compiled there.
 *
 * @throws Refusal with file, line and remedy where it can't be taken; the signal's reason where that ends it.
 */
export async function loadContract({ root: given, source, for: owner, signal }: LoadOptions): Promise<Contract> {
  const root = path.resolve(given);
  const { shown, ...found } = findSource(root, source);
  const placed = placeFiles(root, found);
  const served = servedByOthers(root, owner);
  refuseConflicts(placed, { imports: readImportGraph(root), served, provides: packageImports(root), shown });
  return onStage({ root, files: placed.files, signal }, (stage) => tryOut({ ...placed, stage, shown }));
}

/** Contracts to the services whose manifests say that they serve them. */
function servedByOthers(root: string, owner: string | undefined): ReadonlyMap<string, string> {
  const others = readManifests(root).filter(({ service }) => service !== owner);
  return new Map(others.flatMap(({ service, contracts }) => contracts.map((contract) => [contract, service])));
}

async function tryOut(staged: Staged): Promise<Contract> {
  const { stage, asked, files } = staged;
  const registry = await compile(staged);
  refuseUnfit(registry, staged);
  const services = servicesOf(described(registry, asked));
  if (services.length === 0) {
    throw new Refusal('declares no service', { place: placeOf(asked, staged), remedy: 'name the file that does' });
  }
  await tryGeneratedCode(registry, staged);
  const names = files.map((file) => file.path);
  return {
    file: asked.path,
    files: files.map(({ path: name, bytes, state }) => ({ path: name, bytes, state })),
    services,
    styleRemarks: await styleRemarks(stage, names),
  };
}

function refuseUnfit(registry: FileRegistry, staged: Staged): void {
  for (const file of staged.files) {
    const unfit = findUnfit(described(registry, file));
    if (unfit === undefined) continue;
    throw new Refusal(unfit.reason, { place: placeOf(file, staged, unfit.line), remedy: unfit.remedy });
  }
}

function described(registry: FileRegistry, { path: name }: PlacedFile): DescFile {
  const file = registry.getFile(name);
  if (file === undefined) throw new TypeError(`buf compiled everything but proto/${name}`);
  return file;
}
