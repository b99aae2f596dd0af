import { renderApp } from './app.js';
import type { Blueprint } from './blueprint.js';
import { renderConfig, renderDatabase, renderMigration } from './database-files.js';
import { handlersFile, renderHandlers } from './handlers.js';
import { renderMain, renderPackageJson, renderTsconfig } from './package-files.js';
import { renderTest } from './test-file.js';

/** A file to be written: its path from the repository's root, and its text before it is formatted. */
export type RenderedFile = readonly [file: string, text: string];

/** The files of a new service: the rooms that the others have, and no more of them than it needs. */
export function renderService(blueprint: Blueprint): readonly RenderedFile[] {
  const { name, database, services } = blueprint;
  const folder = `services/${name}`;
  const databaseFiles = (role: string): readonly RenderedFile[] => [
    [`${folder}/src/config.ts`, renderConfig(name, role)],
    [`${folder}/src/adapters/database.ts`, renderDatabase(name)],
    [`${folder}/migrations/0001_${role}.sql`, renderMigration(name)],
  ];
  return [
    [`${folder}/package.json`, renderPackageJson(blueprint)],
    [`${folder}/tsconfig.json`, renderTsconfig(blueprint)],
    [`${folder}/src/main.ts`, renderMain(blueprint)],
    [`${folder}/src/app.ts`, renderApp(blueprint)],
    ...(database === undefined ? [] : databaseFiles(database)),
    ...services.map((named): RenderedFile => [handlersFile(name, named), renderHandlers(name, named)]),
    [`${folder}/test/${name}.test.ts`, renderTest(blueprint)],
  ];
}
