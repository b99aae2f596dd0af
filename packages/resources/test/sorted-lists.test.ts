/** Sorted lists over a table of PostgreSQL: each page is compared with the same list of one plain statement. */

import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Database, Queries } from '@rondo/database';
import { validate } from '@rondo/rpc/status';
import { seededRandom } from '@rondo/rpc/testing';
import { filePostgres } from '../../database/test/postgres.js';
import { type List, nextPageToken, readList } from '../src/exports/index.js';
import { type Listing, listPage } from '../src/exports/sql.js';

const ROWS = 3_600;
const MAX_SCANNED = 1_000;
/** Small enough that pages begin and end within equal values. */
const PAGE_SIZE = 300;

/**
 * Most values occur several times. A quarter of the rows is deleted, and one in a hundred is of the small owner. Between rows of the
 * late owner, which has too many to be sorted, are more of another one than a page reads.
 */
const TABLE = `
  CREATE TABLE things (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sequence bigint NOT NULL,
    title text NOT NULL,
    size bigint NOT NULL,
    due date,
    made timestamptz(3) NOT NULL,
    owner text NOT NULL,
    state text NOT NULL,
    deleted boolean NOT NULL
  );
  INSERT INTO things (sequence, title, size, due, made, owner, state, deleted)
    SELECT n, CASE WHEN n < 1500 THEN 'Same' ELSE (ARRAY['a', 'B', 'ä', 'Z', 'a b', '''', '日'])[1 + n * 7919 % 7] || n * 31 % 700 END,
      n * 7907 % 50, CASE WHEN n % 3 > 0 THEN DATE '2026-01-01' + (n * 13 % 400)::int END,
      timestamptz '2026-01-01' + make_interval(secs => n * 101 % 5000 / 1000.0),
      CASE WHEN n % 99 = 0 THEN 'small' WHEN n > 1500 THEN 'late' ELSE 'large' END, CASE WHEN n % 40 = 1 THEN 'RARE' ELSE 'USUAL' END, n % 4 = 0
    FROM generate_series(1, ${ROWS}) AS n;
  CREATE INDEX ON things (deleted, sequence);
  CREATE INDEX ON things (deleted, state, sequence);
  CREATE INDEX ON things (owner, deleted, sequence);
  CREATE INDEX ON things (owner, deleted, state, sequence);
  CREATE INDEX ON things (title, sequence);
  CREATE INDEX ON things (size, sequence);
  CREATE INDEX ON things ((coalesce(due, DATE '9999-12-31')), sequence);
  CREATE INDEX ON things (due);
  CREATE INDEX ON things (made, sequence);
  ANALYZE things;`;

const DUE = "coalesce(due, DATE '9999-12-31')";
const SORTED: Readonly<Record<string, string>> = { title: 'title', size: 'size', due: DUE, made: 'made' };

const LISTING: Listing = {
  table: 'things',
  order: 'the newest first',
  selected: ['id', 'sequence', 'title', 'size', 'due', 'made', 'owner', 'state', 'deleted'],
  columns: { title: 'title', size: 'size', due: 'due', made: 'made' },
  unindexed: ['size'],
  deletion: { live: 'NOT deleted', deleted: 'deleted' },
  states: ['USUAL', 'RARE'],
  visible: { value: 'owner', indexed: true },
  sorted: { ...SORTED, sequence: 'sequence' },
};

const LIST: List = {
  collection: 'things',
  fields: {
    title: { kind: 'text' },
    size: { kind: 'integer' },
    due: { kind: 'date' },
    made: { kind: 'timestamp' },
    sequence: { kind: 'integer' },
    state: { kind: 'enum', values: ['USUAL', 'RARE'] },
  },
  sortable: [...Object.keys(SORTED), 'sequence'],
};

interface Asked {
  readonly orderBy: string;
  readonly filter: string;
  readonly showDeleted: boolean;
  readonly visible: string | null | undefined;
  readonly listing?: Listing;
}

const postgres = filePostgres();
let database: Database;
beforeAll(async () => {
  database = postgres.pool({ url: await postgres.createDatabase(), maxConnections: 2 });
  await database.transaction((transaction) => transaction.script(TABLE));
});

const isLarge = (id: bigint) => id % 7n === 0n;
/** A large row fills half a message. */
const LARGE: Listing = { ...LISTING, bytes: 'CASE WHEN id % 7 = 0 THEN 2000000 ELSE 0 END' };

async function readPage(
  queries: Queries,
  { visible, listing = LISTING, ...asked }: Asked,
  page: { pageSize: number; pageToken: string },
) {
  const request = { ...asked, ...page };
  const query = { ...validate((field) => readList(field, LIST, request)), visible };
  const { items, next } = await listPage(queries, { listing, query }, ({ id }: { id: bigint }) => id);
  return { ids: items, pageToken: nextPageToken(LIST, request, next) };
}

async function readAll(asked: Asked, pageSize: number) {
  const ids: bigint[] = [];
  let [short, large] = [0, 0];
  for (let pageToken = ''; ; ) {
    const page = await readPage(database, asked, { pageSize, pageToken });
    ids.push(...page.ids);
    large = Math.max(large, page.ids.filter(isLarge).length);
    if (page.pageToken === '') return { ids, short, large };
    await expectVisible(asked, page.pageToken);
    if (page.ids.length < pageSize) short += 1;
    pageToken = page.pageToken;
  }
}

/** What a token names is a row that the caller sees. */
async function expectVisible({ visible }: Asked, token: string): Promise<void> {
  const [, position = ''] = /^after (\d+) /.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  const { owner } = await database.one<{ owner: string }>('SELECT owner FROM things WHERE sequence = $1', [position]);
  expect(owner).toBe(visible ?? owner);
}

/** The same list in one statement. `where` is the filter in SQL. */
async function expected({ orderBy, showDeleted, visible }: Asked, where: string) {
  const [field = '', direction = 'asc'] = orderBy.split(' ');
  const order = orderBy === '' ? 'sequence DESC' : `${SORTED[field] ?? field} ${direction}, sequence ${direction}`;
  const seen = visible === undefined ? 'TRUE' : `owner = ${visible === null ? 'NULL' : `'${visible}'`}`;
  const live = showDeleted ? 'TRUE' : 'NOT deleted';
  const rows = await database.query<{ id: bigint }>(
    `SELECT id FROM things WHERE ${seen} AND ${live} AND ${where} ORDER BY ${order}`,
  );
  return rows.map(({ id }) => id);
}

const FILTERS: readonly (readonly [filter: string, where: string])[] = [
  ['', 'TRUE'],
  ['title = "Same"', "title = 'Same'"],
  ['title > "a"', "title > 'a'"],
  ['size = 7 AND state = RARE', "size = 7 AND state = 'RARE'"],
  ['state != USUAL', "state = 'RARE'"],
  ['due >= "2026-06-01" AND due < "2026-09-01"', "due BETWEEN '2026-06-01' AND '2026-08-31'"],
  ['due != "2026-06-01"', "due IS DISTINCT FROM '2026-06-01'"],
  ['made >= "2026-01-01T00:00:04.500Z"', "made >= '2026-01-01 00:00:04.5Z'"],
  ['size > 100', 'FALSE'],
  ['state = RARE OR state = USUAL', 'TRUE'],
  ['state = RARE OR size = 7 AND title != "Same"', "(state = 'RARE' OR size = 7) AND title <> 'Same'"],
  [
    '(title = "Same" OR due < "2026-02-01" OR size = 3) AND state != RARE',
    "(title = 'Same' OR due < '2026-02-01' OR size = 3) AND state = 'USUAL'",
  ],
];

const ORDERS = [...Object.keys(SORTED), 'sequence'].flatMap((field) => [field, `${field} desc`]);

describe('a sorted list', () => {
  it.each(['', ...ORDERS])('by "%s" has each row of each filter once, in order', async (orderBy) => {
    const { next } = seededRandom(20_261_123);
    for (const [filter, where] of FILTERS) {
      for (const visible of next() < 0.5 ? [undefined, 'small'] : ['large', 'late', null]) {
        const showDeleted = next() < 0.5;
        const asked = { orderBy, filter, showDeleted, visible };
        const { ids } = await readAll(asked, PAGE_SIZE - Math.floor(next() * 3));
        expect({ asked, ids: ids.join() }).toEqual({ asked, ids: (await expected(asked, where)).join() });
      }
    }
  });

  it.each(['', 'title', 'due desc'])('by "%s" reads no more large rows than fit into a message', async (orderBy) => {
    for (const [filter, where] of FILTERS.slice(0, 3))
      for (const visible of ['late', 'small', undefined]) {
        const asked = { orderBy, filter, showDeleted: true, visible, listing: LARGE };
        const { ids, large } = await readAll(asked, 90);
        expect({ asked, ids: ids.join() }).toEqual({ asked, ids: (await expected(asked, where)).join() });
        expect(large).toBeLessThanOrEqual(2);
      }
  });

  it('has full pages of what a caller sees, or a state has, if that is little', async () => {
    for (const asked of [
      { filter: '', visible: 'small' },
      { filter: 'state = RARE', visible: undefined },
    ]) {
      const { ids, short } = await readAll({ orderBy: 'made', showDeleted: false, ...asked }, 10);
      expect(ids.length).toBeGreaterThan(20);
      expect(short).toBe(0);
    }
  });

  it('has full pages if the filter is on the sorted field', async () => {
    const filter = 'due >= "2026-02-01" AND due <= "2026-12-31"';
    const { ids, short } = await readAll({ orderBy: 'due desc', filter, showDeleted: true, visible: undefined }, 50);
    expect(ids.length).toBeGreaterThan(1_500);
    expect(short).toBe(0);
  });

  it.each(['due', 'due desc'])(
    'by "%s" is refused if a row has no value, as later pages would leave it out',
    async (orderBy) => {
      const listing = { ...LISTING, sorted: { ...SORTED, due: 'due' } };
      for (const filter of ['', 'title = "Same"', 'size = 7'])
        for (const pageSize of [1, 7, 100]) {
          const request = { orderBy, filter, showDeleted: true, pageSize, pageToken: '' };
          const query = validate((field) => readList(field, LIST, request));
          const page = listPage(database, { listing, query }, ({ id }: { id: bigint }) => id);
          await expect(page).rejects.toThrow(/^things can't be sorted by due: due is null in a row\. Make it NOT NULL/);
        }
    },
  );

  it.each(ORDERS)('by "%s" reads a bounded number of rows for each page', async (orderBy) => {
    for (const [filter, visible] of [
      ['', undefined],
      ['size > 100', undefined],
      ['title > "a" AND made >= "2026-01-01T00:00:00Z"', 'large'],
      ['due >= "2026-01-02"', 'small'],
    ] as const) {
      const asked = { orderBy, filter, visible, showDeleted: false };
      const first = await readPage(database, asked, { pageSize: 50, pageToken: '' });
      for (const pageToken of ['', first.pageToken]) {
        const { scans, mostRead } = await database.transaction(async (transaction) => {
          // The table is so small that reading all of it may be cheaper.
          for (const way of ['seqscan', 'bitmapscan']) await transaction.query(`SET LOCAL enable_${way} = off`);
          const { queries, ...read } = measured(transaction);
          await readPage(queries, asked, { pageSize: 50, pageToken });
          return read;
        });
        expect(scans()).toBeGreaterThan(0);
        // Of what the caller sees, all is read if none of it is on the way.
        const most = visible === 'large' ? 1_500 : MAX_SCANNED + 1;
        expect({ asked, read: mostRead() <= most }).toEqual({ asked, read: true });
      }
    }
  });
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Queries that note how often the table was scanned, and the most rows that a scan has read. */
function measured(inner: Queries) {
  let most = 0;
  let count = 0;
  const visit = (plan: Plan): void => {
    const { 'Actual Rows': rows, 'Actual Loops': loops, 'Rows Removed by Filter': removed = 0 } = plan;
    if (plan['Relation Name'] === 'things') {
      count += 1;
      most = Math.max(most, (rows + removed) * loops);
    }
    for (const child of plan.Plans ?? []) visit(child);
  };
  const query: Queries['query'] = async (sql, params, options) => {
    const explained = await inner.query<{ 'QUERY PLAN': readonly { Plan: Plan }[] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
      params,
    );
    for (const { 'QUERY PLAN': plans } of explained) for (const { Plan } of plans) visit(Plan);
    return inner.query(sql, params, options);
  };
  return { queries: { ...inner, query }, scans: () => count, mostRead: () => most };
}
