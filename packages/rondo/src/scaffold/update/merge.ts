import type { Contract, MethodContract, ServiceContract } from '../contract/contract.js';
import { handlersFile, implementation, importDefinition, importHandlers, type Stub, stubsOf } from '../render/app.js';
import { type NamedService, nameHandlers } from '../render/blueprint.js';
import { renderHandlers } from '../render/handlers.js';
import type { RenderedFile } from '../render/service-files.js';
import { filesBelow } from '../repository.js';
import { appendMembers, type Insertion, insertAll, insertImports, insertStubs } from './insert.js';
import { type HandlerObject, type Imported, readSource, type SourceFile } from './source-file.js';
import { child, children, nameOf, type Syntax, walk } from './syntax.js';

/** The changes that make a service's sources follow its contracts. */
export interface Merge {
  /** The changed and the new files with their text. */
  readonly files: readonly RenderedFile[];
  readonly fresh: readonly string[];
  readonly stubs: readonly Stub[];
  /** What the user has to do by hand, each with its place: `services/greeter/src/greeter.ts:12: remove …`. */
  readonly byHand: readonly string[];
}

/**
 * Compares the sources of a service with its contracts.
 *
 * @throws Refusal if a source can't be parsed.
 */
export function mergeContracts(root: string, service: string, contracts: readonly Contract[]): Merge {
  const sources = filesBelow(root, `services/${service}/src`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readSource(root, file));
  const services = contracts.flatMap((contract) => contract.services);
  const known = services.filter((one) => isImplemented(sources, one));
  const parts = [
    ...known.map((one) => mergeMethods(sources, one)),
    addServices(
      service,
      sources,
      services.filter((one) => !known.includes(one)),
    ),
  ];
  const insertions = parts.flatMap((part) => part.insertions);
  const grown = sources.flatMap(({ file, text }): readonly RenderedFile[] => {
    const own = insertions.filter((one) => one.file === file).map(({ insertion }) => insertion);
    return own.length === 0 ? [] : [[file, insertAll(text, own)]];
  });
  const fresh = parts.flatMap(({ files }) => files);
  return {
    files: [...grown, ...fresh],
    fresh: fresh.map(([file]) => file),
    stubs: parts.flatMap(({ stubs }) => stubs),
    byHand: [...parts.flatMap(({ byHand }) => byHand), ...removedServices(sources, contracts)],
  };
}

/** The part of a merge for one gRPC service. */
interface Part {
  readonly insertions: readonly { readonly file: string; readonly insertion: Insertion }[];
  readonly files: readonly RenderedFile[];
  readonly stubs: readonly Stub[];
  readonly byHand: readonly string[];
}

const NOTHING: Part = { insertions: [], files: [], stubs: [], byHand: [] };

const isDefinitionOf = ({ module, name }: Imported, service: ServiceContract) =>
  module === service.module && name === service.definition;

const isImplemented = (sources: readonly SourceFile[], service: ServiceContract) =>
  sources.some(({ handlers, implementations }) =>
    [...handlers, ...implementations].some(({ definition }) => isDefinitionOf(definition, service)),
  );

function mergeMethods(sources: readonly SourceFile[], service: ServiceContract): Part {
  const places = sources.flatMap((source) =>
    source.handlers
      .filter(({ definition }) => isDefinitionOf(definition, service))
      .map((object) => ({ source, object })),
  );
  const removed = places.flatMap(({ source, object }) => removedMethods(source, object, service));
  const [place] = places;
  if (place === undefined) return { ...NOTHING, byHand: [missingHandlers(sources, service)] };
  const standard = places.some(({ object }) => object.standard) ? service.resources.flatMap((one) => one.methods) : [];
  const present = new Set([...standard, ...places.flatMap(({ object }) => object.properties.map(({ key }) => key))]);
  const missing = service.methods.filter(({ key }) => !present.has(key));
  const { source, object } = place;
  if (missing.length === 0) return { ...NOTHING, byHand: removed };
  if (places.some(({ object: { spread } }) => spread)) {
    return { ...NOTHING, byHand: [...removed, ...missing.map((method) => behindSpread(place, method))] };
  }
  const keys = missing.map(({ key }) => key);
  return {
    ...NOTHING,
    insertions: insertStubs(source, object, keys).map((insertion) => ({ file: source.file, insertion })),
    stubs: missing.map(({ name }) => ({ method: `${service.fullName}/${name}`, file: source.file })),
    byHand: removed,
  };
}

function removedMethods({ file }: SourceFile, object: HandlerObject, { fullName, methods }: ServiceContract) {
  return object.properties
    .filter(({ key }) => !methods.some((method) => method.key === key))
    .map(({ key, line }) => `${file}:${line}: remove ${key}: ${fullName} has no such method any more`);
}

const behindSpread = (place: { source: SourceFile; object: HandlerObject }, { key }: MethodContract) =>
  `${place.source.file}:${place.object.line}: add ${key}, unless the spread object contains it: ` +
  `${key}: unimplemented('${place.source.file}')`;

function missingHandlers(sources: readonly SourceFile[], service: ServiceContract): string {
  const { fullName, definition, methods } = service;
  const at = sources.flatMap(({ file, implementations }) =>
    implementations.filter((one) => isDefinitionOf(one.definition, service)).map(({ line }) => `${file}:${line}`),
  );
  const keys = methods.map(({ key }) => key).join(', ');
  return `${at[0]}: the handlers of ${fullName} are in no object of type Handlers<typeof ${definition}>; compare them with the contract: ${keys}`;
}

/** Adds services that are new in the contract: a file of handlers for each, wired in the app. */
function addServices(service: string, sources: readonly SourceFile[], fresh: readonly ServiceContract[]): Part {
  if (fresh.length === 0) return NOTHING;
  const wiring = sources.flatMap((source) => servicesList(source)).at(0);
  const files = sources.map(({ file }) => file.replace(/^.*\/|\.ts$/g, ''));
  const taken = [...files, ...(wiring === undefined ? [] : wiring.source.imports.keys())];
  const named = nameHandlers(
    fresh.map((one) => ({ ...one, resources: [] })),
    taken,
  );
  return {
    insertions: wiring === undefined ? [] : wire(wiring, named),
    files: named.map((one) => [handlersFile(service, one), renderHandlers(service, one)]),
    stubs: named.flatMap((one) => stubsOf(service, one)),
    byHand: wiring === undefined ? named.map((one) => unwired(service, one)) : [],
  };
}

interface Wiring {
  readonly source: SourceFile;
  readonly list: Syntax;
}

/** Finds the list of services in an app: the last `services: […]`, as an app creates its parts before it returns. */
export function servicesList(source: SourceFile): readonly Wiring[] {
  const lists = [...walk(source.program)].flatMap((node) => {
    const list = child(node, 'value');
    const found = node.type === 'ObjectProperty' && nameOf(child(node, 'key')) === 'services';
    return found && list?.type === 'ArrayExpression' ? [{ source, list }] : [];
  });
  return source.imports.size > 0 ? lists.slice(-1) : [];
}

/** Adds services to an app. @param database The variable with the database of their resources. */
export function wire({ source, list }: Wiring, named: readonly NamedService[], database?: string): Part['insertions'] {
  const knowsImplement = [...source.imports.values()].some(({ name }) => name === 'implement');
  const imports = [
    ...named.flatMap((one) => [importDefinition(one), importHandlers(one)]),
    ...(knowsImplement ? [] : ["import { implement } from '@rondo/rpc/server';"]),
  ];
  const members = children(list, 'elements');
  const insertions = [
    ...appendMembers(
      source.text,
      { node: list, members },
      named.map((one) => implementation(one, database)),
    ),
    ...insertImports(source, imports),
  ];
  return insertions.map((insertion) => ({ file: source.file, insertion }));
}

const unwired = (service: string, named: NamedService) =>
  `services/${service}/src/app.ts: add ${implementation(named)} to the app's services, with ${importDefinition(named)} and ${importHandlers(named)}`;

/** Lists the handlers of services that no contract declares any more. */
function removedServices(sources: readonly SourceFile[], contracts: readonly Contract[]): readonly string[] {
  const services = contracts.flatMap((contract) => contract.services);
  const modules = new Set(services.map(({ module }) => module));
  const isGone = ({ module, name }: Imported) =>
    modules.has(module) && !services.some((one) => isDefinitionOf({ module, name }, one));
  return sources.flatMap(({ file, handlers, implementations }) =>
    [...handlers, ...implementations]
      .filter(({ definition }) => isGone(definition))
      .map(
        ({ line, definition }) => `${file}:${line}: remove the use of ${definition.name}: its service no longer exists`,
      ),
  );
}
