import { afterAll, describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { blockingSteps, unnamedColumns } from './migrations.js';

it.each([
  ['CREATE VIEW v AS SELECT * FROM a', 1],
  ['CREATE VIEW v AS SELECT a.*, b.id FROM a, b', 1],
  ['INSERT INTO a SELECT id FROM b', 1],
  ['COPY a FROM STDIN', 1],
  ['-- SELECT * FROM a\nINSERT INTO a (id) SELECT count(*) * 2 FROM b', 0],
])('%s has %d faults with its columns', (sql, faults) => {
  expect(unnamedColumns(sql)).toHaveLength(faults);
});

describe('next to replicas of the version before', () => {
  const REFUSED = [
    'ALTER TABLE a ALTER COLUMN b TYPE bytea',
    'ALTER TABLE a DROP COLUMN b',
    'ALTER TABLE a RENAME COLUMN b TO c',
    'ALTER TABLE a ADD COLUMN b text NOT NULL',
    'CREATE INDEX i ON a (b)',
    'CREATE INDEX CONCURRENTLY i ON a (b)',
    '-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY i ON a (b);',
  ];
  const TAKEN = [
    '-- rondo:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b);',
    'ALTER TABLE a ADD COLUMN b text',
    "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''",
    'CREATE TABLE a (id text PRIMARY KEY)',
  ];
  const folder = new Folder();
  const written = (all: readonly string[]) =>
    all.map((sql, index) => ({ file: folder.write(`${index}.sql`, sql), sql }));
  afterAll(() => folder[Symbol.dispose]());

  it('each of these is refused', async () => {
    const files = written(REFUSED);
    const found = await blockingSteps(files);
    // Each has its fault in its last line.
    expect(files.filter(({ file, sql }) => !found.includes(`${file}:${sql.split('\n').length}:`))).toEqual([]);
  });

  it('none of these is', async () => {
    expect(await blockingSteps(written(TAKEN))).toBe('');
  });
});
