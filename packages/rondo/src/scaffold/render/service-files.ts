import { fillFile } from '../../template.js';
import { pascalCase, snakeCase } from '../words.js';
import { handlersFile, renderApp } from './app.js';
import { type Blueprint, resourcesOf } from './blueprint.js';
import { renderHandlers } from './handlers.js';
import { renderTables } from './migration.js';
import { renderTest } from './test-file.js';

/** A rendered file: its path from the repository's root, and its text before formatting. */
export type RenderedFile = readonly [file: string, text: string];

/** Renders the files of a new service, in the same layout as the other services. */
export function renderService(blueprint: Blueprint): readonly RenderedFile[] {
  const { name, port, database, services, packages } = blueprint;
  const folder = `services/${name}`;
  const resources = resourcesOf(services);
  const references = packagesUsed(blueprint).filter(packages.compiles);
  const view = {
    name,
    port,
    database,
    type: pascalCase(name),
    references: references.map((used) => `    { "path": "../../packages/${used}" }`).join(',\n'),
  };
  const filled = (file: string, template: string): RenderedFile => [
    `${folder}/${file}`,
    fillFile(`service/${template}`, view),
  ];
  const migration = `migrations/0001_${database}.sql`;
  const databaseFiles = (): readonly RenderedFile[] => [
    filled('src/config.ts', 'config.ts.tmpl'),
    resources.length > 0
      ? [`${folder}/${migration}`, renderTables(resources, resources)]
      : filled(migration, 'first.sql.tmpl'),
  ];
  return [
    [`${folder}/package.json`, renderPackageJson(blueprint)],
    filled('tsconfig.json', 'tsconfig.json.tmpl'),
    filled('src/main.ts', 'main.ts.tmpl'),
    [`${folder}/src/app.ts`, renderApp(blueprint)],
    ...(database === undefined ? [] : databaseFiles()),
    ...services.map((named): RenderedFile => [handlersFile(name, named), renderHandlers(name, named, resources)]),
    [`${folder}/test/${name}.test.ts`, renderTest(blueprint)],
  ];
}

/** The packages of Rondo that the code of a service imports, by their folders. */
const packagesUsed = ({ database }: Blueprint): readonly string[] => [
  ...['contracts', 'rpc', ...(database === undefined ? [] : ['database', 'resources'])],
  'service',
];

/** What the manifest of a service says of them. */
export const dependenciesOf = (blueprint: Blueprint): Readonly<Record<string, string>> => {
  const { packages } = blueprint;
  const used = packagesUsed(blueprint).filter((folder) => folder !== 'contracts');
  return {
    [packages.contracts]: 'workspace:*',
    ...Object.fromEntries(used.toSorted().map((folder) => [`@rondo/${folder}`, packages.versionOf(folder)])),
  };
};

/** Renders package.json, which describes the service to the workspace and to its launchers. */
function renderPackageJson(blueprint: Blueprint): string {
  const { name, port, contracts, database, packages } = blueprint;
  const owns = database !== undefined;
  const manifest = {
    name: `${packages.scope}/service-${name}`,
    version: '0.1.0',
    private: true,
    // Of this repository's services. The code of an app is its author's.
    ...(packages.compiles('rondo') && { license: 'Apache-2.0' }),
    type: 'module',
    files: ['dist', ...(owns ? ['migrations'] : [])],
    rondo: { port, ...(owns && { database }), contracts },
    dependencies: dependenciesOf(blueprint),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** The path of a service's starter contract under `proto/`. */
export const starterFile = (name: string): string => `${snakeCase(name)}/v1/${snakeCase(name)}.proto`;

/** The scope that the starter contract's methods need while security is on. Both of them only read. */
export const starterScope = (name: string): string => `${name}.read`;

/** Renders a small, complete contract to start from, with comments for readers of their first contract. */
export const renderStarter = (name: string): string =>
  fillFile('service/starter.proto.tmpl', { name, package: snakeCase(name), type: pascalCase(name) });
