import path from 'node:path';
import { type ChangeSet, withChanges } from './change-set.js';
import { type Contract, loadContract, readImportGraph, withImports } from './contract/index.js';
import { type Manifest, readManifests } from './manifests.js';
import type { NewServiceOptions } from './new-service-options.js';
import type { NewServiceOutcome } from './new-service-outcome.js';
import { isAsWritten, isRecorded, recordWritten } from './record.js';
import { Refusal } from './refusal.js';
import { checkReplaceable, exemptFromStyle, takeContract } from './take-contract.js';
import { type Merge, mergeContracts } from './update/index.js';
import { findBreaks, format, guardProducts, isFormatted, tryBuild } from './workspace.js';

/** A service that was brought up to date with its contracts. */
export interface UpdatedService extends NewServiceOutcome {
  readonly kind: 'updated';
  /** What a person has to do, a line each. */
  readonly byHand: readonly string[];
  /** What main's clients rely on and the contracts no longer have, a line each: `npm run check` will refuse it. */
  readonly breaks: readonly string[];
  /** What the compiler said where the service doesn't build before that is done. */
  readonly complaints: string | undefined;
}

/** Brings a service up to date that stands already: it gets what its contracts ask for, and loses nothing. */
export async function updateService(options: NewServiceOptions): Promise<UpdatedService> {
  const { root, name, progress } = options;
  const manifest = await progress.step('check', () => checkRequest(options));
  const contracts = await progress.step('contract', () => loadAll(options, manifest));
  return withChanges(root, async (changes) => {
    guardProducts(changes);
    const merge = mergeContracts(root, name, contracts);
    // A source that a person has edited isn't as this wrote it, whatever is added.
    const ours = merge.files
      .map(([file]) => file)
      .filter((file) => merge.fresh.includes(file) || isAsWritten(root, file));
    const exempt = await progress.step('write', () => writeMerge(options, { contracts, merge, changes }));
    // A contract that changed may ask for changes that only a person can make: no reason to take the rest back.
    const complaints = await progress.step('build', () => tryBuild(options));
    const breaks = await progress.step('compare', () => findBreaks(options));
    const files = changes.written();
    const byHand = [...merge.byHand, ...orphans(root)];
    recordWritten(root, changes, [...ours, ...files.filter((file) => file.startsWith('proto/'))]);
    return {
      kind: 'updated',
      service: name,
      port: manifest.port,
      files,
      methods: merge.stubs,
      exempt,
      byHand,
      breaks,
      complaints,
    };
  });
}

function checkRequest({ root, name, withDatabase, port }: NewServiceOptions): Manifest {
  const file = `services/${name}/package.json`;
  const refuse = (reason: string, remedy: string) => new Refusal(reason, { place: { file }, remedy });
  const manifest = readManifests(root).find(({ service }) => service === name);
  if (manifest === undefined) throw refuse('is no manifest', 'write one as the other services have it');
  if (withDatabase && manifest.database === undefined) {
    throw refuse(`${name} stands already, without a database`, 'add one by hand, as services/sales has it');
  }
  if (port !== undefined && port !== manifest.port) {
    throw refuse(`${name} stands already, at port ${manifest.port}`, 'change it there, in src/main.ts and in compose');
  }
  return manifest;
}

async function loadAll(options: NewServiceOptions, { service, contracts }: Manifest): Promise<readonly Contract[]> {
  const { root, signal, source } = options;
  const given = source && (await loadContract({ root, source, for: service, signal }));
  if (given !== undefined && !contracts.includes(given.file)) {
    throw new Refusal(`${given.file} is none of the contracts that ${service} serves`, {
      place: { file: `services/${service}/package.json` },
      remedy:
        'take another name for a service of its own, or copy it to proto/, list it there, and run this without --proto',
    });
  }
  const loaded: Contract[] = [];
  for (const contract of contracts) {
    const own = { kind: 'file', path: path.join(root, 'proto', contract) } as const;
    const known = contract === given?.file ? given : undefined;
    loaded.push(known ?? (await loadContract({ root, source: own, for: service, signal })));
  }
  for (const contract of loaded) await checkReplaceable(options, contract);
  return loaded;
}

interface Writing {
  readonly contracts: readonly Contract[];
  readonly merge: Merge;
  readonly changes: ChangeSet;
}

/** What was formatted stays so; what has a format of its own keeps it. */
async function writeMerge(
  options: NewServiceOptions,
  { contracts, merge, changes }: Writing,
): Promise<readonly string[]> {
  const formatted: string[] = [];
  for (const [file] of merge.files) {
    if (merge.fresh.includes(file) || (await isFormatted(options, file))) formatted.push(file);
  }
  for (const [file, text] of merge.files) changes.write(file, text);
  const exempt = contracts.flatMap((contract) =>
    exemptFromStyle(options, { ...contract, files: takeContract(contract, changes) }, changes),
  );
  await format(options, formatted);
  return exempt;
}

/** Contracts that were taken for others to import, and that nobody imports any more. */
function orphans(root: string): readonly string[] {
  const graph = readImportGraph(root);
  const needed = withImports(
    graph,
    readManifests(root).flatMap(({ contracts }) => contracts),
  );
  return [...graph.keys()]
    .filter((contract) => !needed.has(contract) && isRecorded(root, `proto/${contract}`))
    .map((contract) => `proto/${contract}: remove it: no service's contract imports it any more`);
}
