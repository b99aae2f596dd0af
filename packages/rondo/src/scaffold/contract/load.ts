import path from 'node:path';
import type { DescFile, FileRegistry } from '@bufbuild/protobuf';
import { type Manifest, ownServices, readManifests } from '../../workspace/manifests.js';
import { Refusal } from '../errors.js';
import { packagesOf } from '../packages.js';
import { readText } from '../repository.js';
import { BUF } from '../workspace-files/buf-exemptions.js';
import { replaceModule } from '../workspace-files/buf-modules.js';
import { checkGeneratedCode, compile, placeOf, type Staged, styleRemarks } from './compile.js';
import { refuseConflicts } from './conflicts.js';
import { type Contract, servicesOf, typesOf } from './contract.js';
import { type Settled, settleCopies } from './copies.js';
import { refuseDeclared } from './duplicates.js';
import { type ContractSource, findSource } from './find-source.js';
import { type PlacedFile, placeFiles } from './place.js';
import { packageFiles, packageImports } from './platform.js';
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
  const { start, imports, copies, shown } = findSource(root, source, own);
  const { replacing, differing } = await settleCopies(copies, { root, signal });
  const placed = placeFiles(root, { start, imports: [...imports, ...replacing.map((one) => one.source)] }, own);
  const tree = readScans(root);
  const served = servedBy(manifests.filter(({ service }) => service !== owner));
  refuseConflicts(placed, { imports: importGraph(tree), served, provides: packageImports(root), shown });
  refuseDeclared(placed, { tree, shown });
  const replaced = replacing.map(({ source: { path: contract }, module: folder }) => ({ folder, contract }));
  const settings = replaced.reduce(replaceModule, readText(root, BUF));
  const contract = await withStage({ root, files: placed.files, settings, signal }, (stage) =>
    checkOnStage({ ...placed, stage, shown, copies, differing }),
  );
  return { ...contract, replaced };
}

/** The service that serves each contract, by the manifests. */
const servedBy = (manifests: readonly Manifest[]): ReadonlyMap<string, string> =>
  new Map(manifests.flatMap(({ service, contracts }) => contracts.map((contract) => [contract, service])));

async function checkOnStage(staged: StagedWithCopies): Promise<Omit<Contract, 'replaced'>> {
  const { stage, asked, files } = staged;
  const registry = await compile(staged);
  refuseDiffering(registry, staged);
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
  await checkGeneratedCode(registry, staged);
  const names = files.map((file) => file.path);
  return {
    file: asked.path,
    files: files.map(({ path: name, bytes, state }) => ({ path: name, bytes, state })),
    services,
    styleRemarks: await styleRemarks(stage, names),
  };
}

interface StagedWithCopies extends Staged {
  /** Types that a copy has otherwise than the package, whose file is used. */
  readonly differing: Settled['differing'];
}

/** Refuses a contract whose messages contain a type of which its own repository has another version. */
function refuseDiffering(registry: FileRegistry, { files, differing, shown, stage }: StagedWithCopies): void {
  if (differing.size === 0) return;
  const types = new Set(files.flatMap((file) => typesOf(described(registry, file))));
  // The set grows during the iteration, which then visits the new types too.
  for (const type of types) {
    const copy = differing.get(type.typeName);
    if (copy !== undefined) {
      const { importer, import: wanted, found } = copy;
      const provided = packageFiles(stage.folder)(wanted.path)?.file;
      throw new Refusal(
        `imports "${wanted.path}", which could be ${shown(found.file)} or ${provided}: they differ in ${type.typeName}`,
        {
          place: { file: shown(importer.file), line: wanted.line },
          remedy: `install a version of the package that has it, or take ${type.typeName} out of the messages`,
        },
      );
    }
    if (type.kind === 'enum') continue;
    for (const { message, enum: values } of type.fields) for (const one of [message, values]) if (one) types.add(one);
  }
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
