/** Checks of migrations: that they name their columns, and that replicas of the version before go on while they run. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { filesBelow } from '../workspace/files.js';
import { root } from '../workspace/paths.js';
import { run } from '../workspace/process.js';
import type { StepResult } from '../workspace/steps.js';

/** The migrations of services, by their paths from the root. */
const migrations = () =>
  filesBelow(path.join(root, 'services'))
    .filter((file) => /^[^/]+\/migrations\/[^/]+\.sql$/.test(file))
    .map((file) => ({ file: `services/${file}`, sql: readFileSync(path.join(root, 'services', file), 'utf8') }));

const COLUMN_RULES: readonly (readonly [RegExp, string])[] = [
  [/\b(?:SELECT|RETURNING)\s+(?:DISTINCT\s+)?\*|[\w)"]\.\*|,\s*\*\s*(?:,|FROM\b)/i, 'name the columns in place of *'],
  [/\b(?:INSERT\s+INTO|COPY)\s+[\w."]+\s+(?:VALUES|SELECT|DEFAULT|FROM|TO)\b/i, 'name the columns that are written'],
];

/** Checks that migrations name their columns, as sql-columns.grit does for code: a view of `*` keeps the columns of its first day. */
export async function columnsNamed(): Promise<StepResult> {
  const faults = migrations().flatMap(({ file, sql }) => unnamedColumns(sql).map((fault) => `${file}: ${fault}`));
  return { code: faults.length, output: faults.join('\n') };
}

/** What is wrong with a file of SQL. */
export function unnamedColumns(sql: string): readonly string[] {
  const code = sql.replace(/--.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  return COLUMN_RULES.filter(([pattern]) => pattern.test(code)).map(([, rule]) => rule);
}

const SQUAWK = 'squawk-cli/js/bin/squawk';
/** `migrate` sets both timeouts itself. */
const EXCLUDED = 'require-lock-timeout,require-statement-timeout';
const REMEDY =
  'Change a schema in steps that each work with the version before: add (a nullable column, a table, an index CONCURRENTLY in a ' +
  'file with "-- rondo:no-transaction"), write both, fill, read the new, and drop the old one a version later: ' +
  "Rondo's docs/guides/operate-the-database.md#migrate-while-replicas-serve";

/**
 * Checks that each migration after the baseline lets replicas of the version before go on: no lock that keeps calls waiting, and no
 * change of what they read and write. The first file of a service meets no such replica.
 */
export async function migrationsRoll(): Promise<StepResult> {
  const { header }: { header?: { glibcVersionRuntime?: string } } = process.report.getReport();
  if (process.platform === 'linux' && header?.glibcVersionRuntime === undefined)
    return { code: 0, skipped: true, note: 'squawk has no program for musl' };
  const output = await blockingSteps(migrations().filter(({ file }) => !path.basename(file).startsWith('0001_')));
  return { code: output === '' ? 0 : 1, output: `${output}\n${REMEDY}` };
}

/** What squawk says about migrations; empty if it has nothing to say. */
export async function blockingSteps(
  files: readonly { readonly file: string; readonly sql: string }[],
): Promise<string> {
  const isOutside = ({ sql }: (typeof files)[number]) => sql.startsWith('-- rondo:no-transaction');
  const lint = async (mode: readonly string[], some: typeof files) => {
    if (some.length === 0) return '';
    const args = [
      '--pg-version=15',
      `--exclude=${EXCLUDED}`,
      '--reporter=gcc',
      ...mode,
      ...some.map(({ file }) => file),
    ];
    const { code, output } = await run(process.execPath, [createRequire(import.meta.url).resolve(SQUAWK), ...args]);
    // The reporter counts lines and columns from 0.
    return code === 0 ? '' : output.replace(/:(\d+):(\d+): /g, (_, line, column) => `:${+line + 1}:${+column + 1}: `);
  };
  const inside = await lint(
    ['--assume-in-transaction'],
    files.filter((one) => !isOutside(one)),
  );
  return (inside + (await lint([], files.filter(isOutside)))).trim();
}
