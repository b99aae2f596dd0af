import { existsSync } from 'node:fs';
import path from 'node:path';
import { ownServices, readManifests } from '../workspace/manifests.js';
import { builtServices, nextMigration, packageOf, withManifest } from './built.js';
import type { Contract } from './contract/contract.js';
import { loadContract } from './contract/load.js';
import { fieldName } from './contract/names.js';
import { Refusal } from './errors.js';
import { contractFiles, type Made, make } from './make.js';
import { packagesOf } from './packages.js';
import { withServices } from './render/app.js';
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
import { dependenciesOf } from './render/service-files.js';
import { renderTest } from './render/test-file.js';
import { filesAt, readText } from './repository.js';
import { readFields } from './resource-fields.js';
import type { Files, Paste, Tree } from './tree.js';
import { kebabCase, pascalCase, snakeCase } from './words.js';

export interface NewResourceOptions extends Tree {
  /** `order-line` */
  readonly name: string;
  readonly service: string;
  /** `display_name:string! email:string@unique` */
  readonly fields: string;
  /** The resource that it is part of. */
  readonly parent: string | undefined;
}

export interface AddedResource extends Made {
  readonly kind: 'added';
  readonly resource: string;
  /** The file of its definition and its handlers. */
  readonly definition: string;
  /** The path at which it is created over HTTP, and the fields that a create needs, as JSON. */
  readonly create: { readonly path: string; readonly body: string };
}

/**
 * Adds a resource to a service: its contract, its definition, a migration and a test. It is wired at the marks in app.ts; without them
 * the result has the lines to paste.
 */
export async function addResource(options: NewResourceOptions): Promise<AddedResource> {
  const { root, signal, service, name, progress } = options;
  const checked = await progress.step('check', () => checkResource(options));
  const { resource, file } = checked;
  const contract = await progress.step('contract', () => {
    const source = { kind: 'text', path: file, text: renderResourceContract(resource) } as const;
    return loadContract({ root, source, for: service, signal }).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
      // The user can't correct a file that isn't written.
      const remedy = 'choose another name for the resource or the field';
      throw new Refusal(`the resource ${name} would have a contract that is refused (${error.message})`, { remedy });
    });
  });
  const { files, named, byHand } = draw(options, checked, contract);
  const [added] = named.resources;
  if (added === undefined) throw new TypeError(`${contract.file} has no resource`);
  const made = await make(options, [service], files);
  return {
    kind: 'added',
    service,
    resource: name,
    exempt: [],
    files: made.files,
    paste: [...made.paste, ...byHand],
    definition: `services/${service}/src/${named.names.file}.ts`,
    create: firstCreate(resource, added),
  };
}

/** What is asked for, with what the service has already, and the path of its contract under `proto/`. */
async function checkResource(options: NewResourceOptions) {
  const { root, name, service, parent, fields } = options;
  const manifest = readManifests(ownServices(root), root).find((one) => one.service === service);
  const remedy = 'make one that has one: rondo new service NAME --with-database, or --resource NAME';
  if (manifest?.database === undefined)
    throw new Refusal(`there is no services/${service} with a database, which a resource needs`, { remedy });
  const known = nameHandlers(await builtServices(root, manifest));
  const resource = design({ name, fields, parent }, { service, package: packageOf(manifest), known });
  return { manifest, known, resource, file: freeFile(root, resource) };
}

interface Owner extends Pick<NewResource, 'service' | 'package'> {
  /** What it has already. */
  readonly known: readonly NamedService[];
}

/** What is asked for, as the contract of a resource has it. @throws Refusal for what isn't possible. */
function design(
  { name, fields: list, parent }: FirstResource & { readonly parent?: string | undefined },
  { service, package: of, known }: Owner,
): NewResource {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) {
    const remedy = 'use lower-case words joined by -, such as order-line';
    throw new Refusal(`"${name}" isn't the name of a resource`, { remedy });
  }
  const fields = readFields(list);
  const all = resourcesOf(known).map(({ contract }) => contract);
  if (all.some(({ One }) => One === pascalCase(name))) throw existing(name, `services/${service}`);
  const named = (wanted: string, why: string) => {
    const found = all.find(({ One }) => One === pascalCase(wanted));
    if (found !== undefined) return { kind: found.kind, pattern: found.description.pattern };
    const names = all.map(({ One }) => kebabCase(One)).join(', ') || 'no resource';
    const remedy = `add it first; it has ${names}`;
    throw new Refusal(`${why}, but ${service} has no resource ${kebabCase(wanted)}`, { remedy });
  };
  const parentPattern = parent === undefined ? '' : named(parent, `--parent is ${parent}`).pattern;
  const self = { package: of, name, plural: pluralOf(name), parent: parentPattern };
  const own = { kind: kindOf(self), pattern: namePattern(self) };
  const references = fields
    .filter(({ type }) => type === 'ref')
    .map(({ name: field, of: [target = ''] }) => {
      const why = `--fields: "${field}" refers to ${target}`;
      return [field, target === snakeCase(name) ? own : named(target, why)] as const;
    });
  return { ...self, service, fields, references: new Map(references) };
}

/** The path of a new contract under `proto/`, where the service's first one may be called like the resource. @throws Refusal */
function freeFile(root: string, { name, plural, package: of }: NewResource): string {
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

const pluralOf = (name: string): string =>
  /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}${/(?:[sxz]|ch|sh)$/.test(name) ? 'es' : 's'}`;

/** The contract of the first resource of a new service. @throws Refusal */
export function firstResource(service: string, asked: FirstResource) {
  const resource = design(asked, { service, package: `${snakeCase(service)}.v1`, known: [] });
  const file = `${snakeCase(service)}/v1/${snakeCase(resource.plural)}.proto`;
  const source = { kind: 'text', path: file, text: renderResourceContract(resource) } as const;
  return { source, unique: uniqueOf(resource.fields) };
}

/** The first resource of a new service: its name and its fields, as `rondo new resource` takes them. */
export interface FirstResource {
  readonly name: string;
  readonly fields: string;
}

const uniqueOf = (fields: NewResource['fields']) =>
  fields.flatMap(({ unique, name }) => (unique ? fieldName(name) : []));

/** The files of a resource; what its app lacks, if its marks are gone. */
function draw(
  { root, service }: NewResourceOptions,
  { manifest, known, resource }: Awaited<ReturnType<typeof checkResource>>,
  contract: Contract,
): { readonly files: Files; readonly named: NamedService; readonly byHand: readonly Paste[] } {
  const folder = `services/${service}`;
  const taken = filesAt(root, `${folder}/src`).map((file) => path.basename(file, '.ts'));
  const fresh = nameHandlers(contract.services, taken, uniqueOf(resource.fields));
  const [named] = fresh;
  if (named === undefined) throw new TypeError(`${contract.file} has no service`);
  const packages = packagesOf(root);
  const blueprint: Blueprint = {
    name: service,
    port: manifest.port,
    database: manifest.database,
    packages,
    scope: undefined,
    contracts: [contract.file],
    services: fresh,
  };
  const all = resourcesOf([...known, ...fresh]);
  const app = `${folder}/src/app.ts`;
  const wired = withServices(readText(root, app), fresh);
  const { file } = named.names;
  const json = `${folder}/package.json`;
  const files: Files = new Map([
    ...contractFiles(root, contract),
    [nextMigration(root, service, snakeCase(resource.plural)), renderTables(resourcesOf(fresh), all)],
    [`${folder}/src/${file}.ts`, renderHandlers(service, named, all)],
    [`${folder}/test/${file}.test.ts`, renderTest(blueprint, [...known, ...fresh])],
    ...('text' in wired ? [[app, wired.text] as const] : []),
    [json, withManifest(readText(root, json), { contracts: [contract.file], dependencies: dependenciesOf(blueprint) })],
  ]);
  return { files, named, byHand: 'text' in wired ? [] : [{ file: app, lines: wired.lines }] };
}

function firstCreate({ package: of }: NewResource, { contract }: NamedResource): AddedResource['create'] {
  const { sample = [], description } = contract;
  const fields = sample.map(([key, , json]) => [snakeCase(key), json]);
  const collection = description.pattern.replace(/\/\{\w+\}$/, '').replace(/\{\w+\}/g, '…');
  return { path: `/${of.split('.').at(-1)}/${collection}`, body: JSON.stringify(Object.fromEntries(fields)) };
}
