import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Manifest, ownServices, readManifests } from '../workspace/manifests.js';
import { readImportGraph, withImports } from './contract/imports.js';
import { Refusal } from './errors.js';
import { filesAt, filesBelow, readText } from './repository.js';
import { type Files, type Tree, writeFiles } from './tree.js';
import { install, tryBuild } from './workspace.js';
import { BUF, endExemption } from './workspace-files/buf-exemptions.js';
import { COMPOSE, removeFromCompose } from './workspace-files/compose-file.js';
import { PROJECTS, removeProject } from './workspace-files/project-references.js';
import { PROMETHEUS, removeFromPrometheus } from './workspace-files/prometheus-file.js';

interface RemoveServiceOptions extends Tree {
  readonly name: string;
  /** Whether to remove the service even if other code calls it. */
  readonly force: boolean;
  readonly dryRun?: boolean;
  /** Awaited after all checks have passed and before anything is changed: its processes can be stopped now. */
  readonly onAgreed?: () => Promise<void>;
}

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

export const removableServices = (root: string): readonly string[] =>
  readManifests(ownServices(root), root)
    .map(({ service }) => service)
    .filter((service) => service !== 'registry');

/** Removes a service, installs what is left, and builds it. @throws Refusal for what isn't possible, before anything is removed. */
export async function removeService(options: RemoveServiceOptions): Promise<RemovedService> {
  const { root, progress, dryRun } = options;
  const removed = await removeFiles(options);
  if (dryRun) return removed;
  await progress.step('install', () => install(options));
  // Nothing used the removed service: a build that fails now failed before. Without any service there is no contract to build.
  const isLast = ownServices(root).length === 0;
  return { ...removed, complaints: isLast ? undefined : await progress.step('build', () => tryBuild(options)) };
}

/** Removes the files of a service, and what names it in those of the workspace. */
export async function removeFiles(options: RemoveServiceOptions): Promise<RemovedService> {
  const { root, progress } = options;
  const { manifest, going } = await progress.step('check', () => planRemoval(options));
  const { service, database } = manifest;
  const kept = manifest.contracts.filter((one) => !going.includes(one)).map((one) => `proto/${one}`);
  const removed = { service, contracts: going.map((one) => `proto/${one}`), kept, database, complaints: undefined };
  if (options.dryRun) return removed;
  await options.onAgreed?.();
  const gone = [...removed.contracts, `services/${service}`].map((file) => [file, null] as const);
  await progress.step('remove', () => writeFiles(options, new Map([...gone, ...without(root, manifest, going)])));
  for (const file of removed.contracts) removeEmpty(root, path.dirname(file));
  return removed;
}

function planRemoval({ root, name, force }: RemoveServiceOptions) {
  if (name === 'registry') throw new Refusal('every service needs the registry', { remedy: 'name another' });
  const manifests = readManifests(ownServices(root), root);
  const manifest = manifests.find(({ service }) => service === name);
  if (manifest === undefined)
    throw new Refusal(`there is no service "${name}"`, { remedy: './rondo ps lists what runs' });
  const served = manifests.filter((one) => one !== manifest).flatMap(({ contracts }) => contracts);
  const uses = usesOf(root, name);
  const places = uses
    .filter(({ contract }) => manifest.contracts.includes(contract) && !served.includes(contract))
    .map(({ place }) => place);
  if (places.length > 0 && !force)
    throw new Refusal(`other code uses the contract of ${name}: ${places.join(', ')}`, {
      remedy: 'change them first; --force leaves the contract where it is',
    });
  // The contracts of the service and their imports, without those that other contracts or code need.
  const graph = readImportGraph(root);
  const own = withImports(graph, manifest.contracts);
  const others = [...graph.keys()].filter((contract) => !own.has(contract));
  const needed = withImports(graph, [...others, ...served, ...uses.map(({ contract }) => contract)]);
  const going = [...own].filter((contract) => !needed.has(contract) && !contract.startsWith('rondo/')).sort();
  return { manifest, going };
}

/** The files of the workspace that name a service, without it. */
function without(root: string, { service, database }: Manifest, going: readonly string[]): Files {
  const edits: readonly (readonly [string, (text: string) => string])[] = [
    [PROJECTS, (text) => removeProject(text, `services/${service}`)],
    [COMPOSE, (text) => removeFromCompose(text, { service, database })],
    [PROMETHEUS, (text) => removeFromPrometheus(text, service)],
    [BUF, (text) => endExemption(text, going)],
  ];
  // A tree needn't have each of them.
  return new Map(
    edits.flatMap(([name, edit]) => filesAt(root, name).map((file) => [file, edit(readText(root, file))])),
  );
}

/** Removes the folders of contracts that are empty, as git keeps none. */
function removeEmpty(root: string, folder: string): void {
  const target = path.join(root, folder);
  if (folder === 'proto' || (existsSync(target) && readdirSync(target).length > 0)) return;
  rmSync(target, { recursive: true, force: true });
  removeEmpty(root, path.dirname(folder));
}

/** The generated code of an app is in a package of its own scope. */
const IMPORT = /@[\w.-]+\/contracts\/([\w./-]+)/g;

/**
 * Finds the places that import the generated code of contracts, such as `services/sales/src/projects.ts:1`, without those that are
 * removed with the service `name`.
 */
const usesOf = (root: string, name: string) =>
  ['services', 'packages', 'plugins', 'e2e', 'lab']
    .flatMap((folder) => filesBelow(root, folder))
    .filter((file) => /\.(?:m?ts|m?js)$/.test(file) && !/^packages\/(?:contracts|rondo)\//.test(file))
    .filter((file) => !file.startsWith(`services/${name}/`))
    .flatMap((file) => usesIn(file, readText(root, file)));

const usesIn = (file: string, text: string) =>
  text
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(IMPORT)].map(([, module]) => ({ contract: `${module}.proto`, place: `${file}:${index + 1}` })),
    );
