import type { MethodContract } from '../contract/contract.js';
import { pascalCase } from '../words.js';
import { type Blueprint, type NamedService, resourcesOf } from './blueprint.js';

/** Renders app.ts: the services of the contract with their handlers, and the database if there is one. */
export function renderApp(blueprint: Blueprint): string {
  const imports = [
    ...blueprint.services.flatMap((named) => [importDefinition(named), importHandlers(named)]),
    ...(blueprint.services.length > 0 ? ["import { implement } from '@rondo/rpc/server';"] : []),
    `import type { ${blueprint.database === undefined ? 'App' : 'App, ServiceContext'} } from '@rondo/service';`,
  ];
  const body = blueprint.database === undefined ? withoutDatabase(blueprint) : withDatabase(blueprint);
  return `${[...imports, ...body].join('\n')}\n`;
}

/** The import of a contract's definition. */
export function importDefinition({ contract: { definition, module }, names }: NamedService): string {
  const name = names.definition === definition ? definition : `${definition} as ${names.definition}`;
  return `import { ${name} } from '${module}';`;
}

/** The import of its handlers, and of the definitions of its resources. */
export const importHandlers = ({ names, resources }: NamedService): string =>
  `import { ${[names.value, ...resources.map(({ value }) => value)].join(', ')} } from './${names.file}.js';`;

/** The call that joins the definition and its handlers. @param database The variable with the database. */
export const implementation = ({ names, resources }: NamedService, database = 'database'): string =>
  `implement(${names.definition}, ${names.value}${resources.length === 0 ? '' : `(${database}.context)`})`;

const servicesOf = ({ services }: Blueprint) => [
  '    services: [',
  ...services.map((named) => `      ${implementation(named)},`),
  '    ],',
];

const withoutDatabase = (blueprint: Blueprint) => [
  '',
  '/** Creates the service. It keeps no state and has no dependencies. */',
  'export function createApp(): App {',
  '  return {',
  ...servicesOf(blueprint),
  '  };',
  '}',
];

const withDatabase = (blueprint: Blueprint) => {
  const type = pascalCase(blueprint.name);
  const resources = resourcesOf(blueprint.services).map(({ value }) => value);
  const [adapter, open] = resources.length === 0 ? ['database', 'openDatabase'] : ['resources', 'openResources'];
  const given = resources.length === 0 ? '' : `resources: [${resources.join(', ')}], `;
  return [
    "import type { Logger } from '@rondo/rpc/call';",
    `import { ${open} } from './adapters/${adapter}.js';`,
    `import type { ${type}Config } from './config.js';`,
    '',
    '/** What the service gets from its process. */',
    `export interface ${type}Context {`,
    '  readonly log: Logger;',
    "  readonly meter?: ServiceContext['meter'];",
    '}',
    '',
    "const MIGRATIONS = new URL('../migrations/', import.meta.url);",
    '',
    '/** Creates the service: opens its database and implements its contract. */',
    `export function createApp({ log, meter }: ${type}Context, { databaseUrl }: ${type}Config): App {`,
    `  const database = ${open}({ url: databaseUrl, migrations: MIGRATIONS, ${given}log, meter });`,
    '  return {',
    ...servicesOf(blueprint),
    '    outcomes: database.outcomes,',
    '    dependencies: [database.dependency],',
    '    stop: () => database.close(),',
    '  };',
    '}',
  ];
};

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

/** Renders the handlers of one gRPC service; each method is a stub. */
export function renderHandlers(service: string, named: NamedService): string {
  const { definition, fullName, methods, module } = named.contract;
  const file = handlersFile(service, named);
  const open = methods.length > 0;
  return [
    `import type { ${definition} } from '${module}';`,
    open
      ? "import { type Handlers, unimplemented } from '@rondo/rpc/server';"
      : "import type { Handlers } from '@rondo/rpc/server';",
    '',
    ...(open ? [`const unwritten = unimplemented('${file}');`, ''] : []),
    `/** The handlers of \`${fullName}\`. */`,
    `export const ${named.names.value}: Handlers<typeof ${definition}> = {`,
    ...methods.map(({ key }) => `  ${propertyName(key)}: unwritten,`),
    '};',
    '',
  ].join('\n');
}

/** A key of an object literal, quoted if necessary. */
export const propertyName = (key: string): string => (/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key));
