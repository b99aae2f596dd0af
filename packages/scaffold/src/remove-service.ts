import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { type ChangeSet, withChanges } from './change-set.js';
import { readImportGraph, withImports } from './contract/index.js';
import { type Manifest, readManifests } from './manifests.js';
import type { Progress } from './progress.js';
import { recordWritten, unsavedEdits } from './record.js';
import { Refusal } from './refusal.js';
import { readText } from './repository.js';
import { BUF, COMPOSE, endExemption, PROJECTS, removeFromCompose, removeProject } from './root-files/index.js';
import { type Use, usesOf } from './uses.js';
import { guardProducts, install, tryBuild, type Workspace } from './workspace.js';

/** What `rondo remove service` is asked for. */
export interface RemoveServiceOptions extends Workspace {
  readonly name: string;
  /** Whether work that git doesn't hold, and code that calls the service, are no reason to refuse. */
  readonly force: boolean;
  /** Awaited when nothing speaks against it any more and nothing is changed yet: its processes can be stopped. */
  readonly onAgreed?: () => Promise<void>;
  readonly progress: Progress;
}

/** A service that was removed. */
export interface RemovedService {
  readonly service: string;
  /** The contracts that went with it, as paths from the repository's root. */
  readonly contracts: readonly string[];
  /** Contracts of its own that stay, as something else needs them. */
  readonly kept: readonly string[];
  /** Its database, which stays wherever the service ran. */
  readonly database: string | undefined;
  /** What the compiler said where the rest doesn't build, for reasons of its own. */
  readonly complaints: string | undefined;
}

/** The services that can be removed. */
export const removableServices = (root: string): readonly string[] =>
  readManifests(root)
    .map(({ service }) => service)
    .filter((service) => service !== 'registry');

/**
 * Removes a service, and everything that names it. Where it fails, the tree is as it was.
 *
 * @throws Refusal for what can't be done, before anything is removed; ProgramFailed where the tree doesn't take it.
 */
export async function removeService(options: RemoveServiceOptions): Promise<RemovedService> {
  const { root, name, progress } = options;
  const plan = await progress.step('check', () => planRemoval(options));
  await options.onAgreed?.();
  return withChanges(root, async (changes) => {
    guardProducts(changes);
    await progress.step('remove', () => removeAll(root, plan, changes));
    await progress.step('install', () => install(options));
    // Nobody used what is gone: what doesn't build now didn't before.
    const complaints = await progress.step('build', () => tryBuild(options));
    removeStale(root, changes);
    recordWritten(root, changes, []);
    const of = (contracts: readonly string[]) => contracts.map((contract) => `proto/${contract}`);
    const { database } = plan.manifest;
    return { service: name, contracts: of(plan.going), kept: of(plan.staying), database, complaints };
  });
}

interface Removal {
  readonly manifest: Manifest;
  /** Contracts that go with it. */
  readonly going: readonly string[];
  /** Contracts in its manifest that stay. */
  readonly staying: readonly string[];
}

async function planRemoval({ root, name, force, signal }: RemoveServiceOptions): Promise<Removal> {
  const manifests = readManifests(root);
  const manifest = manifests.find(({ service }) => service === name);
  if (manifest === undefined)
    throw new Refusal(`there is no service "${name}"`, { remedy: './rondo ps lists what runs' });
  if (name === 'registry') throw new Refusal('every service stands on the registry', { remedy: 'name another' });
  const others = manifests.filter((one) => one !== manifest);
  const uses = usesOf(root, name);
  const served = new Set(others.flatMap(({ contracts }) => contracts));
  const own = manifest.contracts.filter((contract) => !served.has(contract));
  if (!force) refuseCallers(name, own, uses);
  const going = unneeded(root, { manifest, others, uses });
  if (!force) await refuseUnsaved({ root, signal }, [`services/${name}`, ...going.map((one) => `proto/${one}`)]);
  return { manifest, going, staying: manifest.contracts.filter((contract) => !going.includes(contract)) };
}

function refuseCallers(name: string, own: readonly string[], uses: readonly Use[]): void {
  const places = uses.filter(({ contract }) => own.includes(contract)).map(({ place }) => place);
  if (places.length === 0) return;
  throw new Refusal(`others use the contract of ${name}: ${places.join(', ')}`, {
    remedy: 'change them first; --force leaves the contract where it is',
  });
}

async function refuseUnsaved({ root, signal }: Workspace, targets: readonly string[]): Promise<void> {
  const edited = await unsavedEdits(root, targets, signal);
  if (edited.length === 0) return;
  throw new Refusal(`git holds no copy of what was written in ${edited.join(', ')}`, {
    remedy: 'commit it, or lose it by --force',
  });
}

/** What the service's contracts consist of, without what somebody else's contracts or code need. */
function unneeded(
  root: string,
  { manifest, others, uses }: { manifest: Manifest; others: readonly Manifest[]; uses: readonly Use[] },
): readonly string[] {
  const graph = readImportGraph(root);
  const candidates = withImports(graph, manifest.contracts);
  const roots = [...graph.keys()].filter((contract) => !candidates.has(contract));
  const served = others.flatMap(({ contracts }) => contracts);
  const needed = withImports(graph, [...roots, ...served, ...uses.map(({ contract }) => contract)]);
  return [...candidates].filter((contract) => !needed.has(contract) && !contract.startsWith('rondo/')).sort();
}

function removeAll(root: string, { manifest: { service, database }, going }: Removal, changes: ChangeSet): void {
  const edit = (file: string, change: (text: string) => string) => {
    const text = readText(root, file);
    const next = change(text);
    if (next !== text) changes.write(file, next);
  };
  edit(PROJECTS, (text) => removeProject(text, `services/${service}`));
  edit(COMPOSE, (text) => removeFromCompose(text, { service, database }));
  edit(BUF, (text) => endExemption(text, going));
  for (const contract of going) removeFile(root, `proto/${contract}`, changes);
  changes.remove(`services/${service}`);
}

/** A file, and the folders that it leaves empty. */
function removeFile(root: string, file: string, changes: ChangeSet): void {
  changes.remove(file);
  const folder = path.dirname(file);
  if (folder.includes('/') && readdirSync(path.join(root, folder)).length === 0) removeFile(root, folder, changes);
}

/** The compiler leaves what it made of sources that are gone. */
function removeStale(root: string, changes: ChangeSet): void {
  const base = 'packages/contracts';
  const products = readdirSync(path.join(root, base, 'dist'), { recursive: true, encoding: 'utf8' });
  for (const product of products.filter((file) => /\.(?:js|d\.ts)(?:\.map)?$/.test(file))) {
    const source = product.replace(/\.(?:js|d\.ts)(?:\.map)?$/, '.ts');
    if (!existsSync(path.join(root, base, 'src', source))) removeFile(root, `${base}/dist/${product}`, changes);
  }
}
