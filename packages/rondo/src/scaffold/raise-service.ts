import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addDatabase } from './add-database.js';
import { Refusal } from './errors.js';
import type { Blueprint } from './render/blueprint.js';
import { type RenderedFile, renderService } from './render/service-files.js';
import { readText } from './repository.js';
import { mergeTemplates } from './upgrade/migration.js';
import { snakeCase } from './words.js';
import { format, type Workspace } from './workspace.js';
import { addToCompose, COMPOSE, removeFromCompose } from './workspace-files/compose-file.js';

/** What gives a service a database. */
export interface Raised {
  /** The texts of changed and new files. */
  readonly files: ReadonlyMap<string, string>;
  /** What is left to do by hand. */
  readonly byHand: readonly string[];
}

/**
 * Gives a service that exists a database: the difference of what `rondo new service` writes with one and without, merged into its files.
 *
 * @param blueprint The service as it is, without resources.
 * @throws Refusal if edits of its app or its start stand in the way.
 */
export async function raiseService(workspace: Workspace, blueprint: Blueprint): Promise<Raised> {
  const { root } = workspace;
  const { name: service, port } = blueprint;
  const database = snakeCase(service);
  const isMerged = ([file]: RenderedFile) => /\/(?:src|test|migrations)\/|\/tsconfig\.json$/.test(file);
  const [before, after] = await Promise.all(
    [blueprint, { ...blueprint, database }].map((one) => formatted(workspace, renderService(one).filter(isMerged))),
  );
  const { files, left } = await mergeTemplates(root, { before: before ?? {}, after: after ?? {} });
  const inTheWay = left.find(({ file }) => file.includes('/src/'));
  if (inTheWay !== undefined) {
    const remedy = `change it by hand, as rondo new service --with-database has it:\n${inTheWay.lines}`;
    throw new Refusal('the service needs a database, and its lines are edited', { place: inTheWay, remedy });
  }
  const shared = await addDatabase(root);
  const compose = removeFromCompose(shared.get(COMPOSE) ?? readText(root, COMPOSE), { service, database: undefined });
  const texts = Object.entries(files).flatMap(([file, text]) => (text === null ? [] : [[file, text] as const]));
  return {
    files: new Map([...shared, ...texts, [COMPOSE, addToCompose(compose, { service, port, database })]]),
    byHand: left.map(({ file, lines }) => `${file}: the service has a database now:\n${lines}`),
  };
}

/** The texts of files as they are after formatting. */
async function formatted(
  { tool, signal }: Workspace,
  files: readonly RenderedFile[],
): Promise<Readonly<Record<string, string>>> {
  const root = mkdtempSync(path.join(tmpdir(), 'rondo-rendered-'));
  try {
    for (const [file, text] of files) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), text);
    }
    const names = files.map(([file]) => file);
    await format(
      { root, tool, signal },
      names.filter((file) => !file.endsWith('.sql')),
    );
    return Object.fromEntries(names.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
