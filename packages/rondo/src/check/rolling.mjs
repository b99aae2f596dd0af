/**
 * Checks with squawk that each migration after the baseline lets replicas of the version before go on: no lock that keeps calls
 * waiting, and no change of what they read and write.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { filesBelow } from '../workspace/files.js';
import { root } from '../workspace/paths.js';

const SQUAWK = createRequire(import.meta.url).resolve('squawk-cli/js/bin/squawk');
/** `migrate` sets both timeouts itself. */
const EXCLUDED = 'require-lock-timeout,require-statement-timeout';

/** squawk has no program for musl. */
const SKIPPED = 3;
const { glibcVersionRuntime } = process.report.getReport().header;
if (process.platform === 'linux' && glibcVersionRuntime === undefined) process.exit(SKIPPED);

const isOutside = (sql) => sql.startsWith('-- rondo:no-transaction');

/** What squawk says about a migration; empty if it has nothing to say. */
function faultsIn(file, sql) {
  const mode = isOutside(sql) ? [] : ['--assume-in-transaction'];
  const args = ['--pg-version=15', `--exclude=${EXCLUDED}`, '--reporter=gcc', `--stdin-filepath=${file}`, ...mode];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [SQUAWK, ...args], {
    input: sql,
    encoding: 'utf8',
  });
  if (error !== undefined) return error.message;
  return status === 0 ? '' : `${stdout}${stderr}`.trim();
}

const CASES = [
  ['ALTER TABLE a ALTER COLUMN b TYPE bytea', false],
  ['ALTER TABLE a DROP COLUMN b', false],
  ['ALTER TABLE a RENAME COLUMN b TO c', false],
  ['ALTER TABLE a ADD COLUMN b text NOT NULL', false],
  ['CREATE INDEX i ON a (b)', false],
  ['CREATE INDEX CONCURRENTLY i ON a (b)', false],
  ['-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY i ON a (b);', false],
  ['-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b);', true],
  ['ALTER TABLE a ADD COLUMN b text', true],
  ["ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''", true],
  ['CREATE TABLE a (id text PRIMARY KEY)', true],
];

const missed = CASES.filter(([sql, good]) => (faultsIn('case.sql', sql) === '') !== good);
const files = filesBelow(path.join(root, 'services'))
  .map((file) => `services/${file}`)
  .filter((file) => /^services\/[^/]+\/migrations\/[^/]+\.sql$/.test(file))
  .map((file) => [file, readFileSync(path.join(root, file), 'utf8')])
  // The first file of a service meets no replica of the version before it.
  .filter(([file]) => !path.basename(file).startsWith('0001_'));
const faults = files.map(([file, sql]) => faultsIn(file, sql)).filter((fault) => fault !== '');
for (const [sql] of missed) console.error(`judged wrongly: ${sql}`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(
    'Change a schema in steps that each work with the version before: add (a nullable column, a table, an index CONCURRENTLY in a ' +
      'file with "-- rondo:no-transaction"), write both, fill, read the new, and drop the old one a version later: ' +
      "Rondo's docs/guides/operate-the-database.md#migrate-while-replicas-serve",
  );
}
if (missed.length + faults.length > 0) process.exitCode = 1;
else console.log(`${files.length} migrations after the baselines`);
