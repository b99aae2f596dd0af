/** Compares the resources of services, as they are built, with the migrations: what a start would miss in the database. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { missingIn } from '@rondo/resources/sql';
import { filesBelow } from '../workspace/files.js';
import { ownServices, readManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';

/** What a resource says of its table. */
type StoredResource = Parameters<typeof missingIn>[0];

export async function tablesComplete(): Promise<StepResult> {
  const storing = readManifests(ownServices(root), root).filter(({ database }) => database !== undefined);
  const faults = await Promise.all(
    storing.map(async ({ service }) => {
      const at = `services/${service}/migrations`;
      const { lacking, unindexed } = await compared(service);
      return [
        ...(lacking.length === 0
          ? []
          : [`${at} lacks what the service stores: run rondo new service ${service}, or add\n${lacking.join('\n')}`]),
        ...(unindexed.length === 0
          ? []
          : [
              `${at} lacks indexes of lists: name the fields in list.unindexed, or add a file with`,
              `-- rondo:no-transaction\n${unindexed.join('\n')}`,
            ]),
      ];
    }),
  );
  const output = faults.flat();
  return { code: output.length, output: output.join('\n') };
}

/** The statements that the migrations of a service, as it is built, lack. */
export const missingOf = async (service: string): Promise<readonly string[]> => (await compared(service)).lacking;

async function compared(service: string) {
  const folder = path.join(root, 'services', service);
  const sql = filesIn(folder, 'migrations', '.sql')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const resources = filesIn(folder, 'dist', '.js').filter((file) =>
    readFileSync(file, 'utf8').includes('defineResource('),
  );
  const modules = await Promise.all(resources.map((file) => import(pathToFileURL(file).href)));
  const { missingIn } = await import('@rondo/resources/sql');
  const found = modules.flatMap((one) => Object.values<unknown>(one)).filter(isResource);
  const lacking = found.flatMap((one) => {
    const columns = columnsIn(sql, one.model.definition.table);
    return columns === undefined ? [] : missingIn(one, columns);
  });
  return { lacking, unindexed: lacking.length > 0 ? [] : found.flatMap((one) => unindexedIn(one, sql)) };
}

/** The statements that make the indexes which a resource's lists lack, after those on columns that the migrations make. */
export function unindexedIn({ model }: StoredResource, migrations: string): readonly string[] {
  const { table, filter = [], sort = [], list = {} } = model.definition;
  const { unindexed = [], columns = {}, sorted = {}, position = 'sequence', chronological } = list;
  const indexed = indexesIn(migrations, table);
  const parents = model.ids.slice(0, -1);
  const create = (name: string, of: readonly string[]) =>
    `CREATE INDEX CONCURRENTLY IF NOT EXISTS ${table}_${name} ON ${table} (${of.join(', ')});`;
  const lacks = (pattern: string) => !indexed.some((one) => new RegExp(pattern).test(one));
  return model.fields.flatMap(({ description: { key, name }, column: { names } }) => {
    const [column = ''] = names;
    const isSorted = sort.some((one) => one === key) && sorted[name] === undefined && column !== position;
    if (isSorted && lacks(`\\b${column}\\b[^,]*,\\s*${position}\\b`))
      return [
        create(`sort_${column}`, [column, position]),
        ...(parents.length === 0 ? [] : [create(`sort_of_parent_${column}`, [...parents, column, position])]),
      ];
    const isFiltered = filter.some((one) => one === key) && columns[name] === undefined && !unindexed.includes(name);
    return isFiltered && name !== chronological?.field && lacks(`\\b${column}\\b`) ? [create(column, [column])] : [];
  });
}

/** What the indexes and keys of a table are on, as the migrations have it. */
function indexesIn(migrations: string, table: string): readonly string[] {
  const made = new RegExp(`\\bINDEX\\b[^;]*?\\bON (?:ONLY )?${table}\\b(?:(?!\\bWHERE\\b)[^;])*`, 'gi');
  const keys = /(?:\w+ [^,(]*)?\b(?:UNIQUE|PRIMARY KEY)\b(?:\s*\([^)]*\))?/gi;
  const statements = withoutComments(migrations).split(';');
  const ofTable = statements.filter((one) => new RegExp(`\\bTABLE\\b[^(]*\\b${table}\\b`, 'i').test(one));
  return [...statements.flatMap((one) => one.match(made) ?? []), ...ofTable.flatMap((one) => one.match(keys) ?? [])];
}

const withoutComments = (sql: string) => sql.replace(/--.*$|\/\*[\s\S]*?\*\//gm, '').replaceAll('"', '');

const filesIn = (folder: string, part: string, ending: string) =>
  filesBelow(path.join(folder, part))
    .filter((file) => file.endsWith(ending))
    .map((file) => path.join(folder, part, file));

const isResource = (value: unknown): value is StoredResource =>
  typeof value === 'object' && value !== null && 'model' in value && 'insertSql' in value;

/** What migrations give a table: columns, also by other names later; undefined if they name it, and don't create it. */
export function columnsIn(migrations: string, table: string): ReadonlySet<string> | undefined {
  const sql = withoutComments(migrations);
  const columns = sql.split(';').flatMap((statement) => {
    const [, created] = /CREATE TABLE (?:IF NOT EXISTS )?(\w+)\s*\(/i.exec(statement) ?? [];
    const [, altered] = /ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)/i.exec(statement) ?? [];
    // It also finds other words, such as those of a check, which the resource rarely lacks as columns.
    const named = created === table ? /[(,]\s*(\w+)/g : /\b(?:ADD(?: COLUMN)?(?: IF NOT EXISTS)?|TO) (\w+)/gi;
    return created === table || altered === table ? [...statement.matchAll(named)].map(([, name = '']) => name) : [];
  });
  return columns.length === 0 && new RegExp(`\\b${table}\\b`).test(sql) ? undefined : new Set(columns);
}
