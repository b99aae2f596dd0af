import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type Manifest, ownServices, readManifests } from '../workspace/manifests.js';
import { type ChangeSet, withChanges } from './change-set.js';
import { type Contract, type ServiceContract, servicesOf } from './contract/contract.js';
import { loadContract } from './contract/load.js';
import { fieldName } from './contract/names.js';
import { jsonOf } from './contract/samples.js';
import { copyContract, exemptFromStyle } from './copy-contract.js';
import { Refusal } from './errors.js';
import { packagesOf } from './packages.js';
import { type Raised, raiseService } from './raise-service.js';
import { isAsWritten, recordWritten } from './record.js';
import {
  type Blueprint,
  type NamedResource,
  type NamedService,
  nameHandlers,
  resourcesOf,
} from './render/blueprint.js';
import { renderHandlers } from './render/handlers.js';
import { renderTables } from './render/migration.js';
import { kindOf, type NewResource, namePattern, renderResourceContract } from './render/resource-contract.js';
import { type RenderedFile, renderService, starterScope } from './render/service-files.js';
import { renderTest } from './render/test-file.js';
import { filesAt, readText } from './repository.js';
import { readFields } from './resource-fields.js';
import { wireResources } from './update/wire-resources.js';
import { kebabCase, pascalCase, snakeCase } from './words.js';
import {
  backUpProducts,
  build,
  format,
  install,
  type NewServiceOutcome,
  type Progress,
  type Workspace,
} from './workspace.js';
import { withReferences } from './workspace-files/project-references.js';

/** The options of `rondo new resource`. */
export interface NewResourceOptions extends Workspace {
  /** `order-line` */
  readonly name: string;
  readonly service: string;
  /** `display_name:string! email:string@unique` */
  readonly fields: string;
  /** The resource that it is part of. */
  readonly parent: string | undefined;
  readonly progress: Progress;
}

/** A resource that was added to a service. */
export interface AddedResource extends NewServiceOutcome {
  readonly kind: 'added';
  readonly resource: string;
  /** The file of its definition and its handlers. */
  readonly definition: string;
  /** The path at which it is created over HTTP, and the fields that a create needs, as JSON. */
  readonly create: { readonly path: string; readonly body: string };
  readonly byHand: readonly string[];
}

/** Adds a resource to a service: its contract, its definition, a migration and a test. If it fails, the tree is unchanged. */
export async function addResource(options: NewResourceOptions): Promise<AddedResource> {
  const { root, signal, service, name, progress } = options;
  const { manifest, known, resource, file } = await progress.step('check', () => checkResource(options));
  const contract = await progress.step('contract', () => {
    const source = { kind: 'text', path: file, text: renderResourceContract(resource) } as const;
    return loadContract({ root, source, for: service, signal }).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
      // The user can't correct a file that isn't written.
      const remedy = 'choose another name for the resource or the field';
      throw new Refusal(`the resource ${name} would have a contract that is refused (${error.message})`, { remedy });
    });
  });
  const drawn = await draw(options, { manifest, known, contract, resource });
  const [named] = drawn.named;
  const [added] = drawn.named.flatMap(({ resources }) => resources);
  if (named === undefined || added === undefined) throw new TypeError(`${contract.file} has no resource`);
  return withChanges(root, async (changes) => {
    backUpProducts(changes);
    const exempt = await progress.step('write', () => writeAll(options, { contract, drawn, changes }));
    await progress.step('install', () => install(options));
    await progress.step('build', () => build(options));
    const files = changes.written();
    recordWritten(root, changes, [...drawn.own, ...files.filter((file) => file.startsWith('proto/'))]);
    return {
      ...{ kind: 'added', service, resource: name, port: manifest.port, files, methods: [], exempt },
      definition: `services/${service}/src/${named.names.file}.ts`,
      create: firstCreate(resource, added),
      byHand: drawn.byHand,
    };
  });
}

interface Checked {
  readonly manifest: Manifest;
  /** What the service has already. */
  readonly known: readonly NamedService[];
  readonly resource: NewResource;
  /** The path of its contract under `proto/`. */
  readonly file: string;
}

async function checkResource(options: NewResourceOptions): Promise<Checked> {
  const { root, name, service, parent } = options;
  const fields = readFields(options.fields);
  checkResourceName(name);
  const manifest = readManifests(ownServices(root), root).find((one) => one.service === service);
  if (manifest === undefined) {
    throw new Refusal(`there is no services/${service}`, {
      remedy: `make it: rondo new service ${service} --with-database`,
    });
  }
  const known = nameHandlers(await builtServices(root, manifest));
  const of = (wanted: string, why: string) => {
    const all = resourcesOf(known).map(({ contract }) => contract);
    const found = all.find(({ One }) => One === pascalCase(wanted));
    if (found !== undefined) return { kind: found.kind, pattern: found.description.pattern };
    const names = all.map(({ One }) => kebabCase(One)).join(', ') || 'no resource';
    throw new Refusal(`${why}, but ${service} has no resource ${kebabCase(wanted)}`, {
      remedy: `add it first; it has ${names}`,
    });
  };
  const plural = pluralOf(name);
  const package_ = packageOf(manifest);
  const same = resourcesOf(known).find(({ contract }) => contract.One === pascalCase(name));
  if (same !== undefined) throw existing(name, `services/${service}`);
  const file = freeFile(root, { name, plural, package: package_ });
  const parentPattern = parent === undefined ? '' : of(parent, `--parent is ${parent}`).pattern;
  const self = { package: package_, name, plural, parent: parentPattern };
  const references = fields.flatMap(({ name: field, type, of: [target = ''] }) => {
    if (type !== 'ref') return [];
    const own = { kind: kindOf(self), pattern: namePattern(self) };
    return [
      [field, target === snakeCase(name) ? own : of(target, `--fields: "${field}" refers to ${target}`)] as const,
    ];
  });
  const resource = { ...self, service, fields, references: new Map(references) };
  return { manifest, known, resource, file };
}

/** The path of a new contract under `proto/`, where the service's first one may be called like the resource. @throws Refusal */
function freeFile(
  root: string,
  { name, plural, package: of }: Pick<NewResource, 'name' | 'plural' | 'package'>,
): string {
  const files = [plural, name].map((one) => `${of.replaceAll('.', '/')}/${snakeCase(one)}.proto`);
  const free = files.find((file) => !existsSync(path.join(root, 'proto', file)));
  if (free === undefined) throw existing(name, `proto/${files[0]}`);
  return free;
}

const existing = (name: string, file: string) =>
  new Refusal(`the resource ${name} exists already`, {
    place: { file },
    remedy: 'change its contract, its definition and a new migration by hand, or choose another name',
  });

/** The package of the service's contracts; for those without a version, one of the service's name. */
export function packageOf({ service, contracts }: Manifest): string {
  const [versioned] = contracts
    .map((file) => path.posix.dirname(file))
    .filter((folder) => /(?:^|\/)v\d\w*$/.test(folder));
  return (versioned ?? `${snakeCase(service)}/v1`).replaceAll('/', '.');
}

const pluralOf = (name: string): string =>
  /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}${/(?:[sxz]|ch|sh)$/.test(name) ? 'es' : 's'}`;

/** The contracts as they were built last. */
export const builtContracts = (root: string): FileRegistry =>
  createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(path.join(root, 'packages/contracts/descriptors.binpb'))),
  );

/** The contract of the first resource of a new service. @throws Refusal */
export function firstResource(service: string, { name, fields: text }: FirstResource) {
  checkResourceName(name);
  const fields = readFields(text);
  const self = { package: `${snakeCase(service)}.v1`, name, plural: pluralOf(name), parent: '' };
  const other = fields.find(({ type, of: [target] }) => type === 'ref' && target !== snakeCase(name));
  if (other !== undefined)
    throw new Refusal(`--fields: "${other.name}" refers to ${other.of[0]}, which the new service lacks`, {
      remedy: 'make that one first, and this one by rondo new resource',
    });
  const own = { kind: kindOf(self), pattern: namePattern(self) };
  const references = new Map(fields.filter(({ type }) => type === 'ref').map((field) => [field.name, own]));
  const path = `${self.package.replaceAll('.', '/')}/${snakeCase(self.plural)}.proto`;
  const source = {
    kind: 'text',
    path,
    text: renderResourceContract({ ...self, service, fields, references }),
  } as const;
  return { source, unique: uniqueOf(fields) };
}

/** The first resource of a new service: its name and its fields, as `rondo new resource` takes them. */
export interface FirstResource {
  readonly name: string;
  readonly fields: string;
}

const uniqueOf = (fields: NewResource['fields']) =>
  fields.flatMap(({ unique, name }) => (unique ? fieldName(name) : []));

function checkResourceName(name: string): void {
  if (/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) return;
  const remedy = 'use lower-case words joined by -, such as order-line';
  throw new Refusal(`"${name}" isn't the name of a resource`, { remedy });
}

/** The gRPC services of a service's contracts, as they were built last. */
async function builtServices(root: string, { contracts }: Manifest): Promise<readonly ServiceContract[]> {
  const { createValidator } = await import('@bufbuild/protovalidate');
  const { describeTable } = await import('@rondo/resources/sql');
  const registry = builtContracts(root);
  const compiled = {
    registry,
    validator: createValidator({ registry }),
    describeTable,
    contracts: packagesOf(root).contracts,
  };
  return contracts.flatMap((file) => {
    const found = registry.getFile(file);
    return found === undefined ? [] : servicesOf(found, compiled);
  });
}

/** What is written. */
interface Drawn extends Raised {
  readonly named: readonly NamedService[];
  /** Files that are new, or were as this tool wrote them. */
  readonly own: readonly string[];
}

async function draw(
  options: NewResourceOptions,
  { manifest, known, contract, resource }: Omit<Checked, 'file'> & { readonly contract: Contract },
): Promise<Drawn> {
  const { root, service } = options;
  const folder = `services/${service}`;
  const taken = readdirSync(path.join(root, folder, 'src')).map((file) => file.replace(/\.ts$/, ''));
  const named = nameHandlers(contract.services, taken, uniqueOf(resource.fields));
  const packages = packagesOf(root);
  const blueprint: Blueprint = {
    ...{
      name: service,
      port: manifest.port,
      packages,
      scope: undefined,
      database: manifest.database ?? snakeCase(service),
    },
    ...{ contracts: [...manifest.contracts, contract.file], services: named },
  };
  const { files, byHand }: Raised =
    manifest.database === undefined
      ? await raiseService(options, asMade(root, { ...blueprint, contracts: manifest.contracts, services: known }))
      : { files: new Map(), byHand: [] };
  const text = (file: string) => files.get(file) ?? readText(root, file);
  const app = `${folder}/src/app.ts`;
  const all = resourcesOf([...known, ...named]);
  const rendered = new Map(renderService(blueprint));
  const [{ names } = { names: { file: service } }] = named;
  const fresh: readonly RenderedFile[] = [
    [`${folder}/${migrationOf(root, service, snakeCase(resource.plural))}`, renderTables(resourcesOf(named), all)],
    [`${folder}/test/${names.file}.test.ts`, renderTest(blueprint, [...known, ...named])],
    ...named.map((one): RenderedFile => [`${folder}/src/${one.names.file}.ts`, renderHandlers(service, one, all)]),
  ];
  const changed: readonly RenderedFile[] = [
    [app, wireResources(app, text(app), named)],
    [
      `${folder}/package.json`,
      withManifest(readText(root, `${folder}/package.json`), rendered.get(`${folder}/package.json`) ?? '{}'),
    ],
    [
      `${folder}/tsconfig.json`,
      withReferences(text(`${folder}/tsconfig.json`), rendered.get(`${folder}/tsconfig.json`) ?? ''),
    ],
  ];
  const own = [...changed, ...files].map(([file]) => file).filter((file) => isAsWritten(root, file));
  return {
    ...{ named, byHand, files: new Map([...files, ...changed, ...fresh]) },
    own: [...own, ...fresh.map(([file]) => file)],
  };
}

/** A service as `rondo new service` has made it, without a database. */
function asMade(root: string, blueprint: Blueprint): Blueprint {
  const { name } = blueprint;
  const services = nameHandlers(blueprint.services.map(({ contract }) => ({ ...contract, resources: [] })));
  // The test of a starter contract has its scope.
  const isStarter = filesAt(root, `services/${name}/test/${name}.test.ts`).some((file) =>
    readText(root, file).includes('authorize: true'),
  );
  return { ...blueprint, services, database: undefined, scope: isStarter ? starterScope(name) : undefined };
}

/** The file of the next migration. An untouched first one, which has only comments, is replaced. */
export function migrationOf(root: string, service: string, name: string): string {
  const folder = path.join(root, 'services', service, 'migrations');
  const present = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.sql'))
        .sort()
    : [];
  const written = present.filter(
    (file) =>
      readFileSync(path.join(folder, file), 'utf8')
        .replace(/^--.*$/gm, '')
        .trim() !== '',
  );
  const [first] = present;
  if (written.length === 0) return `migrations/${first ?? `0001_${snakeCase(service)}.sql`}`;
  const last = Number(/^\d+/.exec(present.at(-1) ?? '')?.[0] ?? 0);
  return `migrations/${String(last + 1).padStart(4, '0')}_${name}.sql`;
}

/** A manifest with what another one has more of: contracts, a database, packages. */
export function withManifest(text: string, rendered: string): string {
  const [own, wanted] = [JSON.parse(text), JSON.parse(rendered)];
  const rondo = { ...own.rondo, ...wanted.rondo };
  const dependencies = Object.entries({ ...wanted.dependencies, ...own.dependencies }).sort(([one], [other]) =>
    one < other ? -1 : 1,
  );
  const files = [...new Set([...(own.files ?? []), ...wanted.files])];
  return `${JSON.stringify({ ...own, files, rondo, dependencies: Object.fromEntries(dependencies) }, undefined, 2)}\n`;
}

interface Writing {
  readonly contract: Contract;
  readonly drawn: Drawn;
  readonly changes: ChangeSet;
}

async function writeAll(
  options: NewResourceOptions,
  { contract, drawn, changes }: Writing,
): Promise<readonly string[]> {
  for (const [file, text] of drawn.files) changes.write(file, text);
  copyContract(contract, changes);
  const exempt = exemptFromStyle(options, { ...contract, files: contract.files.map((file) => file.path) }, changes);
  await format(
    options,
    [...drawn.files.keys()].filter((file) => /^services\/.*\.(?:ts|json)$/.test(file)),
  );
  return exempt;
}

function firstCreate({ package: of }: NewResource, { contract }: NamedResource): AddedResource['create'] {
  const { sample = [], description } = contract;
  const texts = sample.map(([key, value]) => [snakeCase(key), typeof value === 'string' ? jsonOf(value) : '…']);
  const collection = description.pattern.replace(/\/\{\w+\}$/, '').replace(/\{\w+\}/g, '…');
  return { path: `/${of.split('.').at(-1)}/${collection}`, body: JSON.stringify(Object.fromEntries(texts)) };
}
