/** Checks that migrations name their columns, as sql-columns.grit does for code: a view of `*` keeps the columns of its first day. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../workspace/files.js';
import { root } from '../workspace/paths.js';

const RULES = [
  [/\b(?:SELECT|RETURNING)\s+(?:DISTINCT\s+)?\*|[\w)"]\.\*|,\s*\*\s*(?:,|FROM\b)/i, 'name the columns in place of *'],
  [/\b(?:INSERT\s+INTO|COPY)\s+[\w."]+\s+(?:VALUES|SELECT|DEFAULT|FROM|TO)\b/i, 'name the columns that are written'],
];

/** The faults of a file of SQL, a line each. */
function faultsIn(sql) {
  const code = sql.replace(/--.*$/gm, '').replace(/\/\*[\s\S]*?\*\//g, '');
  return RULES.filter(([pattern]) => pattern.test(code)).map(([, rule]) => rule);
}

const CASES = [
  ['CREATE VIEW v AS SELECT * FROM a', 1],
  ['CREATE VIEW v AS SELECT a.*, b.id FROM a, b', 1],
  ['INSERT INTO a SELECT id FROM b', 1],
  ['COPY a FROM STDIN', 1],
  ['-- SELECT * FROM a\nINSERT INTO a (id) SELECT count(*) * 2 FROM b', 0],
];

const missed = CASES.filter(([sql, faults]) => faultsIn(sql).length !== faults).map(
  ([sql]) => `judged wrongly: ${sql}`,
);
const files = filesBelow(path.join(root, 'services'))
  .map((file) => `services/${file}`)
  .filter((file) => /^services\/[^/]+\/migrations\/[^/]+\.sql$/.test(file));
const faults = files.flatMap((file) =>
  faultsIn(readFileSync(path.join(root, file), 'utf8')).map((fault) => `${file}: ${fault}`),
);
for (const fault of [...missed, ...faults]) console.error(fault);
if (missed.length + faults.length > 0) process.exitCode = 1;
else console.log(`${files.length} migrations name their columns`);
