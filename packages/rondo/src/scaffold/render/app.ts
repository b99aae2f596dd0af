import { fillFile } from '../../template.js';
import type { MethodContract } from '../contract/contract.js';
import { pascalCase } from '../words.js';
import { type Blueprint, type NamedService, resourcesOf } from './blueprint.js';

/** The comments above which `rondo new resource` writes into app.ts. */
const MARKS = { tables: '// rondo new resource: tables', services: '// rondo new resource: services' };

/** Renders app.ts: the services of the contract with their handlers, and the database if there is one. */
export function renderApp({ name, database, services }: Blueprint): string {
  const resources = resourcesOf(services).map(({ value }) => value);
  return fillFile('service/app.ts.tmpl', {
    name,
    database,
    type: pascalCase(name),
    tables: resources,
    markTables: MARKS.tables,
    markServices: MARKS.services,
    hasServices: services.length > 0,
    services: services.map((named) => ({
      importDefinition: importDefinition(named),
      importHandlers: importHandlers(named),
      implementation: implementation(named),
    })),
  });
}

function importDefinition({ contract: { definition, module }, names }: NamedService): string {
  const name = names.definition === definition ? definition : `${definition} as ${names.definition}`;
  return `import { ${name} } from '${module}';`;
}

/** The import of its handlers, and of the definitions of its resources. */
const importHandlers = ({ names, resources }: NamedService): string =>
  `import { ${[names.value, ...resources.map(({ value }) => value)].join(', ')} } from './${names.file}.js';`;

/** The call that joins the definition and its handlers. */
const implementation = ({ names, resources }: NamedService): string =>
  `implement(${names.definition}, ${names.value}${resources.length === 0 ? '' : '(database.context)'})`;

/**
 * The text of an app.ts with further services of resources, at the marks that {@link renderApp} has left; or the lines to paste, if they
 * are gone.
 */
export function withServices(text: string, named: readonly NamedService[]): { text: string } | { lines: string } {
  const imports = named.flatMap((one) => [importDefinition(one), importHandlers(one)]);
  const added = { tables: resourcesOf(named).map(({ value }) => value), services: named.map(implementation) };
  const lines = Object.values(added).map((all) => all.map((one) => `${one},`));
  if (Object.values(MARKS).some((mark) => !text.includes(mark))) {
    const places = ['in resources of openDatabase', 'in services, which createApp returns'];
    return { lines: [...imports, ...lines.flatMap((all, at) => [`// ${places[at]}:`, ...all])].join('\n') };
  }
  const marked = Object.values(MARKS).reduce(
    (before, mark, at) => before.replace(mark, `${lines[at]?.join('\n')}\n${mark}`),
    text,
  );
  return { text: `${imports.join('\n')}\n${marked}` };
}

/** The file with the handlers of a gRPC service, as a path from the repository's root. */
export const handlersFile = (service: string, { names }: NamedService): string =>
  `services/${service}/src/${names.file}.ts`;

/** A method without an implementation, and the file of its handler. */
export interface Stub {
  /** `helloworld.Greeter/SayHello`. */
  readonly method: string;
  readonly file: string;
}

/** The methods of a gRPC service but the standard ones of its resources. */
export function openMethods({ contract: { methods, resources } }: NamedService): readonly MethodContract[] {
  const standard = resources.flatMap((one) => one.methods);
  return methods.filter(({ key }) => !standard.includes(key));
}

/** The methods of a new gRPC service that aren't written yet. */
export const stubsOf = (service: string, named: NamedService): readonly Stub[] =>
  openMethods(named).map(({ name }) => ({
    method: `${named.contract.fullName}/${name}`,
    file: handlersFile(service, named),
  }));

/** A key of an object literal, quoted if necessary. */
export const propertyName = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));
