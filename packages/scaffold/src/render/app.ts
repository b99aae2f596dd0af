import { pascalCase } from '../words.js';
import type { Blueprint, NamedService } from './blueprint.js';

/** The wiring: the contract's services over their handlers, and below them the database where there is one. */
export function renderApp(blueprint: Blueprint): string {
  const imports = [
    ...blueprint.services.flatMap((named) => [importDefinition(named), importHandlers(named)]),
    ...(blueprint.services.length > 0 ? ["import { implement } from '@rondo/rpc/server';"] : []),
    "import type { App } from '@rondo/service';",
  ];
  const body = blueprint.database === undefined ? withoutDatabase(blueprint) : withDatabase(blueprint);
  return `${[...imports, ...body].join('\n')}\n`;
}

/** The line that brings a contract's definition in. */
export function importDefinition({ contract: { definition, module }, names }: NamedService): string {
  const name = names.definition === definition ? definition : `${definition} as ${names.definition}`;
  return `import { ${name} } from '${module}';`;
}

/** The line that brings its handlers in. */
export const importHandlers = ({ names }: NamedService): string =>
  `import { ${names.value} } from './${names.file}.js';`;

/** What joins the two. */
export const implementation = ({ names }: NamedService): string => `implement(${names.definition}, ${names.value})`;

const servicesOf = ({ services }: Blueprint) => [
  '    services: [',
  ...services.map((named) => `      ${implementation(named)},`),
  '    ],',
];

const withoutDatabase = (blueprint: Blueprint) => [
  '',
  '/** Wires the service: no state, nothing to wait for. */',
  'export function createApp(): App {',
  '  return {',
  ...servicesOf(blueprint),
  '  };',
  '}',
];

const withDatabase = (blueprint: Blueprint) => {
  const type = pascalCase(blueprint.name);
  return [
    "import type { Logger } from '@rondo/rpc/call';",
    "import { openDatabase } from './adapters/database.js';",
    `import type { ${type}Config } from './config.js';`,
    '',
    '/** What the service needs of the process that it runs in. */',
    `export interface ${type}Context {`,
    '  readonly log: Logger;',
    '}',
    '',
    "const MIGRATIONS = new URL('../migrations/', import.meta.url);",
    '',
    '/** Wires the service: the database at the bottom, the contract at the top. */',
    `export function createApp({ log }: ${type}Context, { databaseUrl }: ${type}Config): App {`,
    '  const database = openDatabase({ url: databaseUrl, migrations: MIGRATIONS, log });',
    '  return {',
    ...servicesOf(blueprint),
    '    dependencies: [database.dependency],',
    '    stop: () => database.close(),',
    '  };',
    '}',
  ];
};
