import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type Manifest, ownServices, readManifests } from '../workspace/manifests.js';
import { type ChangeSet, withChanges } from './change-set.js';
import { readImportGraph, withImports } from './contract/scan.js';
import { Refusal } from './errors.js';
import { recordWritten, unsavedEdits } from './record.js';
import { filesBelow, readText } from './repository.js';
import { backUpProducts, install, type Progress, tryBuild, type Workspace } from './workspace.js';
import { BUF, endExemption } from './workspace-files/buf-exemptions.js';
import { COMPOSE, removeFromCompose } from './workspace-files/compose-file.js';
import { PROJECTS, removeProject } from './workspace-files/project-references.js';
import { PROMETHEUS, removeFromPrometheus } from './workspace-files/prometheus-file.js';

/** The options of `rondo remove service`. */
interface RemoveServiceOptions extends Workspace {
  readonly name: string;
  /** Whether to remove the service even if git doesn't hold all of its files, or other code calls it. */
  readonly force: boolean;
  readonly dryRun?: boolean;
  /** Awaited after all checks have passed and before anything is changed: its processes can be stopped now. */
  readonly onAgreed?: () => Promise<void>;
  readonly progress: Progress;
}

/** A service that was removed, or would be. */
export interface RemovedService {
  readonly service: string;
  /** The contracts that were removed with it, as paths from the repository's root. */
  readonly contracts: readonly string[];
  /** Contracts of the service that stay because something else needs them. */
  readonly kept: readonly string[];
  /** Its database. It stays wherever the service ran. */
  readonly database: string | undefined;
  /** The output of the compiler if the remaining tree doesn't build, which has other reasons. */
  readonly complaints: string | undefined;
}

/** The services that can be removed. */
export const removableServices = (root: string): readonly string[] =>
  readManifests(ownServices(root), root)
    .map(({ service }) => service)
    .filter((service) => service !== 'registry');

/**
 * Removes a service and everything that refers to it. If it fails, the tree is unchanged.
 *
 * @throws Refusal for what isn't possible, before anything is removed. ProgramFailed if installing fails.
 */
export async function removeService(options: RemoveServiceOptions): Promise<RemovedService> {
  const { root, progress } = options;
  const plan = await progress.step('check', () => planRemoval(options));
  const removed = removedBy(plan);
  if (options.dryRun) return removed;
  await options.onAgreed?.();
  return withChanges(root, async (changes) => {
    backUpProducts(changes);
    await progress.step('remove', () => removeAll(root, plan, changes));
    await progress.step('install', () => install(options));
    // Nothing used the removed service: a build that fails now failed before. Without any service there is no contract to build.
    const isLast = ownServices(root).length === 0;
    const complaints = isLast ? undefined : await progress.step('build', () => tryBuild(options));
    removeStale(root, changes);
    recordWritten(root, changes, []);
    return { ...removed, complaints };
  });
}

interface Removal {
  readonly manifest: Manifest;
  readonly going: readonly string[];
  /** The contracts in its manifest that stay. */
  readonly staying: readonly string[];
}

function removedBy({ manifest, going, staying }: Removal): RemovedService {
  const { service, database } = manifest;
  const of = (contracts: readonly string[]) => contracts.map((contract) => `proto/${contract}`);
  return { service, contracts: of(going), kept: of(staying), database, complaints: undefined };
}

async function planRemoval({ root, name, force, signal }: RemoveServiceOptions): Promise<Removal> {
  if (name === 'registry') throw new Refusal('every service needs the registry', { remedy: 'name another' });
  const manifests = readManifests(ownServices(root), root);
  const manifest = manifests.find(({ service }) => service === name);
  if (manifest === undefined)
    throw new Refusal(`there is no service "${name}"`, { remedy: './rondo ps lists what runs' });
  const others = manifests.filter((one) => one !== manifest);
  const uses = usesOf(root, name);
  const served = new Set(others.flatMap(({ contracts }) => contracts));
  const own = manifest.contracts.filter((contract) => !served.has(contract));
  if (!force) refuseCallers(name, own, uses);
  const going = unneeded(root, { manifest, others, uses });
  const targets = [`services/${name}`, ...going.map((one) => `proto/${one}`)];
  if (!force) await refuseUnsaved({ root, signal }, targets);
  return { manifest, going, staying: manifest.contracts.filter((contract) => !going.includes(contract)) };
}

function refuseCallers(name: string, own: readonly string[], uses: readonly Use[]): void {
  const places = uses.filter(({ contract }) => own.includes(contract)).map(({ place }) => place);
  if (places.length === 0) return;
  throw new Refusal(`other code uses the contract of ${name}: ${places.join(', ')}`, {
    remedy: 'change them first; --force leaves the contract where it is',
  });
}

async function refuseUnsaved({ root, signal }: Omit<Workspace, 'tool'>, targets: readonly string[]): Promise<void> {
  const edited = await unsavedEdits(root, targets, signal);
  if (edited.length === 0) return;
  throw new Refusal(`git holds no copy of the edits in ${edited.join(', ')}`, {
    remedy: 'commit them, or discard them with --force',
  });
}

interface Needs {
  readonly manifest: Manifest;
  readonly others: readonly Manifest[];
  readonly uses: readonly Use[];
}

/** The contracts of the service and their imports, without those that other contracts or code need. */
function unneeded(root: string, { manifest, others, uses }: Needs): readonly string[] {
  const graph = readImportGraph(root);
  const candidates = withImports(graph, manifest.contracts);
  const roots = [...graph.keys()].filter((contract) => !candidates.has(contract));
  const served = others.flatMap(({ contracts }) => contracts);
  const needed = withImports(graph, [...roots, ...served, ...uses.map(({ contract }) => contract)]);
  return [...candidates].filter((contract) => !needed.has(contract) && !contract.startsWith('rondo/')).sort();
}

function removeAll(root: string, { manifest: { service, database }, going }: Removal, changes: ChangeSet): void {
  const edit = (file: string, change: (text: string) => string) => {
    if (!existsSync(path.join(root, file))) return; // a tree needn't have each of the files
    const text = readText(root, file);
    const next = change(text);
    if (next !== text) changes.write(file, next);
  };
  const removed = [`services/${service}`, ...going.map((contract) => `proto/${contract}`)];
  for (const target of removed) removeFile(root, target, changes);
  for (const folder of removed) edit(PROJECTS, (text) => removeProject(text, folder));
  edit(COMPOSE, (text) => removeFromCompose(text, { service, database }));
  edit(PROMETHEUS, (text) => removeFromPrometheus(text, service));
  edit(BUF, (text) => endExemption(text, going));
}

/** Removes a file or folder, and the folders that become empty. */
function removeFile(root: string, file: string, changes: ChangeSet): void {
  if (!existsSync(path.join(root, file))) return;
  changes.remove(file);
  const folder = path.dirname(file);
  if (folder.includes('/') && readdirSync(path.join(root, folder)).length === 0) removeFile(root, folder, changes);
}

/** Removes the compiler's output of sources that no longer exist, because the compiler doesn't. */
function removeStale(root: string, changes: ChangeSet): void {
  const base = 'packages/contracts';
  const products = filesBelow(path.join(root, base), 'dist').map((file) => file.slice('dist/'.length));
  for (const product of products.filter((file) => /\.(?:js|d\.ts)(?:\.map)?$/.test(file))) {
    const source = product.replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts');
    if (!existsSync(path.join(root, base, 'src', source))) removeFile(root, `${base}/dist/${product}`, changes);
  }
}

/** A place in other code that imports the generated code of a contract. */
interface Use {
  /** The path of the contract under `proto/`. */
  readonly contract: string;
  /** `services/sales/src/projects.ts:1`. */
  readonly place: string;
}

/** The generated code of an app is in a package of its own scope. */
const IMPORT = /@[\w.-]+\/contracts\/([\w./-]+)/g;

/** Finds the places that import the generated code of contracts, without those that are removed with the service `name`. */
function usesOf(root: string, name: string): readonly Use[] {
  return ['services', 'packages', 'plugins', 'e2e', 'lab']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => /\.(?:m?ts|m?js)$/.test(file) && !/^packages\/(?:contracts|rondo)\//.test(file))
    .filter((file) => !file.startsWith(`services/${name}/`))
    .flatMap((file) => usesIn(file, readText(root, file)));
}

function usesIn(file: string, text: string): readonly Use[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(IMPORT)].map(([, module]) => ({ contract: `${module}.proto`, place: `${file}:${index + 1}` })),
    );
}
