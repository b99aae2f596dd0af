import path from 'node:path';
import { type Manifest, ownServices, readManifests } from '../workspace/manifests.js';
import { migrationOf } from './add-resource.js';
import { type ChangeSet, withChanges } from './change-set.js';
import type { Contract } from './contract/contract.js';
import { loadContract } from './contract/load.js';
import { readImportGraph, withImports } from './contract/scan.js';
import { checkReplaceable, copyContract, exemptFromStyle } from './copy-contract.js';
import type { NewServiceOptions } from './create-service.js';
import { Refusal } from './errors.js';
import { isAsWritten, isRecorded, recordWritten } from './record.js';
import { type Merge, mergeContracts } from './update/merge.js';
import {
  backUpProducts,
  findBreaks,
  findMissing,
  format,
  isFormatted,
  type NewServiceOutcome,
  tryBuild,
} from './workspace.js';

/** A service that was updated to its contracts. */
export interface UpdatedService extends NewServiceOutcome {
  readonly kind: 'updated';
  /** What the user has to do by hand, one item a line. */
  readonly byHand: readonly string[];
  /** Breaking changes compared with main, one a line: `npm run check` will refuse them. */
  readonly breaks: readonly string[];
  /** The compiler's output if the service doesn't build before that is done. */
  readonly complaints: string | undefined;
}

/** Updates an existing service to its contracts: it adds what the contracts ask for and removes nothing. */
export async function updateService(options: NewServiceOptions): Promise<UpdatedService> {
  const { root, name, progress } = options;
  const manifest = await progress.step('check', () => checkRequest(options));
  const contracts = await progress.step('contract', () => loadAll(options, manifest));
  return withChanges(root, async (changes) => {
    backUpProducts(changes);
    const merge = mergeContracts(root, name, contracts);
    // A source with manual edits isn't recorded as written by this tool, whatever is added to it.
    const ours = merge.files
      .map(([file]) => file)
      .filter((file) => merge.fresh.includes(file) || isAsWritten(root, file));
    const exempt = await progress.step('write', () => writeMerge(options, { contracts, merge, changes }));
    // A changed contract may require changes that only the user can make. That is no reason to undo the rest.
    const complaints = await progress.step('build', () => tryBuild(options));
    if (complaints === undefined && manifest.database !== undefined)
      await progress.step('tables', () => writeMigration(options, changes));
    const breaks = await progress.step('compare', () => findBreaks(options));
    const files = changes.written();
    const byHand = [...merge.byHand, ...unusedContracts(root)];
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
  const manifest = readManifests(ownServices(root), root).find(({ service }) => service === name);
  if (manifest === undefined) throw refuse('is not a manifest', 'write one as the other services do');
  if (withDatabase && manifest.database === undefined) {
    throw refuse(
      `${name} exists already, without a database`,
      'add one by hand, as rondo new service --with-database does',
    );
  }
  if (port !== undefined && port !== manifest.port) {
    throw refuse(`${name} exists already, at port ${manifest.port}`, 'change it there, in src/main.ts and in compose');
  }
  return manifest;
}

async function loadAll(options: NewServiceOptions, { service, contracts }: Manifest): Promise<readonly Contract[]> {
  const { root, signal, source } = options;
  const given = source && (await loadContract({ root, source, for: service, signal }));
  if (given !== undefined && !contracts.includes(given.file)) {
    throw new Refusal(`${given.file} is not one of the contracts that ${service} serves`, {
      place: { file: `services/${service}/package.json` },
      remedy:
        'choose another name for a new service, or copy it to proto/, list it there, and run this without --proto',
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

/** Writes the merged files. Files that were formatted stay formatted; files with their own format keep it. */
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
    exemptFromStyle(options, { ...contract, files: copyContract(contract, changes) }, changes),
  );
  await format(options, formatted);
  return exempt;
}

/** Writes the next migration, if the tables lack what the service stores by now. */
async function writeMigration(options: NewServiceOptions, changes: ChangeSet): Promise<void> {
  const { root, name } = options;
  const sql = await findMissing(options, name);
  const [, table] = /^(?:ALTER|CREATE) TABLE (\w+)/m.exec(sql) ?? [];
  if (table !== undefined) changes.write(`services/${name}/${migrationOf(root, name, `more_${table}`)}`, sql);
}

/** Contracts that were copied because others import them, and that no contract imports any more. */
function unusedContracts(root: string): readonly string[] {
  const graph = readImportGraph(root);
  const needed = withImports(
    graph,
    readManifests(ownServices(root), root).flatMap(({ contracts }) => contracts),
  );
  return [...graph.keys()]
    .filter((contract) => !needed.has(contract) && isRecorded(root, `proto/${contract}`))
    .map((contract) => `proto/${contract}: remove it: no service's contract imports it any more`);
}
