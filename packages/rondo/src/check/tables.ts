/** Compares the resources of services, as they are built, with the migrations: what a start would miss in the database. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { missingIn } from '@rondo/resources/sql';
import { filesBelow } from '../workspace/files.js';
import { ownServices, readManifests } from '../workspace/manifests.js';
import { root } from '../workspace/paths.js';
import type { StepResult } from '../workspace/steps.js';

export async function tablesComplete(): Promise<StepResult> {
  const storing = readManifests(ownServices(root), root).filter(({ database }) => database !== undefined);
  const missing = await Promise.all(storing.map(async ({ service }) => [service, await missingOf(service)] as const));
  const faults = missing.filter(([, sql]) => sql.length > 0);
  const output = faults.map(
    ([service, sql]) =>
      `services/${service}/migrations lacks what the service stores: run rondo new service ${service}, or add\n${sql.join('\n')}`,
  );
  return { code: faults.length, output: output.join('\n') };
}

/** The statements that the migrations of a service, as it is built, lack. */
export async function missingOf(service: string): Promise<readonly string[]> {
  const folder = path.join(root, 'services', service);
  const sql = filesIn(folder, 'migrations', '.sql').map((file) => readFileSync(file, 'utf8'));
  const resources = filesIn(folder, 'dist', '.js').filter((file) =>
    readFileSync(file, 'utf8').includes('defineResource('),
  );
  const modules = await Promise.all(resources.map((file) => import(pathToFileURL(file).href)));
  const { missingIn } = await import('@rondo/resources/sql');
  const found = modules.flatMap((one) => Object.values<unknown>(one)).filter(isResource);
  return found.flatMap((one) => {
    const columns = columnsIn(sql.join('\n'), one.model.definition.table);
    return columns === undefined ? [] : missingIn(one, columns);
  });
}

const filesIn = (folder: string, part: string, ending: string) =>
  filesBelow(path.join(folder, part))
    .filter((file) => file.endsWith(ending))
    .map((file) => path.join(folder, part, file));

const isResource = (value: unknown): value is Parameters<typeof missingIn>[0] =>
  typeof value === 'object' && value !== null && 'model' in value && 'insertSql' in value;

/** What migrations give a table: columns, also by other names later; undefined if they name it, and don't create it. */
export function columnsIn(migrations: string, table: string): ReadonlySet<string> | undefined {
  const sql = migrations.replace(/--.*$|\/\*[\s\S]*?\*\//gm, '').replaceAll('"', '');
  const columns = sql.split(';').flatMap((statement) => {
    const [, created] = /CREATE TABLE (?:IF NOT EXISTS )?(\w+)\s*\(/i.exec(statement) ?? [];
    const [, altered] = /ALTER TABLE (?:IF EXISTS )?(?:ONLY )?(\w+)/i.exec(statement) ?? [];
    // It also finds other words, such as those of a check, which the resource rarely lacks as columns.
    const named = created === table ? /[(,]\s*(\w+)/g : /\b(?:ADD(?: COLUMN)?(?: IF NOT EXISTS)?|TO) (\w+)/gi;
    return created === table || altered === table ? [...statement.matchAll(named)].map(([, name = '']) => name) : [];
  });
  return columns.length === 0 && new RegExp(`\\b${table}\\b`).test(sql) ? undefined : new Set(columns);
}
