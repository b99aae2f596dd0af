import { missingOf } from '../check/tables.js';
import { type Manifest, ownServices, readManifests } from '../workspace/manifests.js';
import { builtServices, nextMigration } from './built.js';
import type { ServiceContract } from './contract/contract.js';
import { loadContract } from './contract/load.js';
import type { NewServiceOptions } from './create-service.js';
import { Refusal } from './errors.js';
import { contractFiles, type Made } from './make.js';
import { propertyName } from './render/app.js';
import { filesBelow, readText } from './repository.js';
import { type Paste, writeAll } from './tree.js';
import { tryBuild } from './workspace.js';

/** A service that exists already, compared with its contracts. */
export interface UpdatedService extends Made {
  readonly kind: 'updated';
  /** The handlers that are missing, as lines for the files that they belong into. */
  readonly stubs: readonly Paste[];
  /** The compiler's output if the service doesn't build before its code is changed. */
  readonly complaints: string | undefined;
}

/**
 * Compares a service with its contracts, of which one may be replaced by a newer version. It writes the next migration, if the tables
 * lack what the service stores.
 */
export async function updateService(options: NewServiceOptions): Promise<UpdatedService> {
  const { root, name, progress, source, signal } = options;
  const manifest = await progress.step('check', () => checkRequest(options));
  const contract = source && (await progress.step('contract', () => loadContract({ root, source, for: name, signal })));
  if (contract !== undefined && !manifest.contracts.includes(contract.file))
    throw new Refusal(`${contract.file} is not one of the contracts that ${name} serves`, {
      place: { file: `services/${name}/package.json` },
      remedy:
        'choose another name for a new service, or copy it to proto/, list it there, and run this without --proto',
    });
  const changed = contract === undefined ? new Map() : contractFiles(root, contract);
  const paste = await progress.step('write', () => writeAll(options, changed));
  // A changed contract may require changes that only the user can make.
  const complaints = await progress.step('build', () => tryBuild(options, [name]));
  const stubs = await missingStubs(root, manifest);
  if (complaints === undefined && manifest.database !== undefined) await writeMigration(options);
  const files = [...options.written.keys()];
  return { kind: 'updated', service: name, files, paste, exempt: contract?.foreign ?? [], stubs, complaints };
}

function checkRequest({ root, name, withDatabase, port, resource }: NewServiceOptions): Manifest {
  const place = { file: `services/${name}/package.json` };
  const manifest = readManifests(ownServices(root), root).find(({ service }) => service === name);
  if (manifest === undefined)
    throw new Refusal('is not a manifest', { place, remedy: 'write one as the other services do' });
  const exists = (how: string, remedy: string) => new Refusal(`${name} exists already${how}`, { place, remedy });
  if (resource !== undefined) throw exists('', `add to it: rondo new resource ${resource.name} --service ${name}`);
  if (withDatabase && manifest.database === undefined)
    throw exists(', without a database', 'make another service for what is stored, with --with-database');
  if (port !== undefined && port !== manifest.port)
    throw exists(`, at port ${manifest.port}`, 'change it there, in src/main.ts and in compose');
  return manifest;
}

/** The handlers that no source of a service names. */
async function missingStubs(root: string, manifest: Manifest): Promise<readonly Paste[]> {
  const sources = filesBelow(root, `services/${manifest.service}/src`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => ({ file, text: readText(root, file) }));
  const all = sources.map(({ text }) => text).join('\n');
  return (await builtServices(root, manifest)).flatMap((service) => {
    const { definition, module, methods, resources } = service;
    const standard = all.includes(`standardMethods(${definition}`) ? resources.flatMap((one) => one.methods) : [];
    const missing = methods
      .map(({ key }) => key)
      .filter((key) => !standard.includes(key) && !new RegExp(`\\b${key}\\b\\s*[:(,}]`).test(all));
    if (missing.length === 0) return [];
    const handlers = sources.find(({ text }) => text.includes(`Handlers<typeof ${definition}>`));
    const file = handlers?.file ?? `services/${manifest.service}/src/app.ts`;
    const stub = handlers?.text.includes('const unwritten') ? 'unwritten' : `unimplemented('${file}')`;
    const stubs = missing.map((key) => `${propertyName(key)}: ${stub},`);
    return { file, lines: (all.includes(definition) ? stubs : whole({ definition, module }, stubs)).join('\n') };
  });
}

/** The lines of a service that is new in its contract. */
const whole = ({ definition, module }: Pick<ServiceContract, 'definition' | 'module'>, stubs: readonly string[]) => [
  `import { ${definition} } from '${module}';`,
  "import { implement, unimplemented } from '@rondo/rpc/server';",
  `implement(${definition}, { // in services, which createApp returns`,
  ...stubs.map((stub) => `  ${stub}`),
  '}),',
];

const OF_RENAMED =
  "-- A renamed field begins empty. To keep its values, delete this file, and write columns: { newName: 'old_column' } in defineResource.";

/** Writes the next migration, if the tables lack what the service stores by now. */
async function writeMigration(options: NewServiceOptions): Promise<void> {
  const { root, name, progress } = options;
  const sql = await progress.step('tables', () => missingOf(name));
  const [, table] = /^(?:ALTER|CREATE) TABLE (\w+)/m.exec(sql.join('\n')) ?? [];
  if (table === undefined) return;
  const note = sql.some((statement) => statement.startsWith('ALTER')) ? [OF_RENAMED] : [];
  await writeAll(options, new Map([[nextMigration(root, name, `more_${table}`), `${[...note, ...sql].join('\n')}\n`]]));
}
