import { expect, it } from '@jest/globals';
import type { Queries, SqlValue, Transaction } from '@rondo/database';
import type { Sync } from '../sync/sync.js';
import type { WatchOptions } from '../sync/watch/watch.js';
import { type ResourceWatch, watchRows } from './feed.js';

/** A feed of books, of which each is of a shelf and is seen by its owner. `owner.seen` is what the watcher sees. */
function watchBooks(given: Partial<ResourceWatch>, owner: { seen: string | null | undefined } = { seen: undefined }) {
  const asked: WatchOptions<readonly string[]>[] = [];
  const sync = {
    async *watch(options: unknown) {
      asked.push(options as WatchOptions<readonly string[]>);
      await Promise.resolve();
      yield* [];
    },
  };
  const queries = {} as Queries;
  const source = {
    table: 'books',
    select: 'SELECT sequence, id FROM books',
    live: 'delete_time IS NULL',
    key: 'sequence',
    toItem: (row: object) => String(Reflect.get(row, 'id')),
    changed: { shelf_id: 'shelf' },
    visibleTo: { column: 'owner', of: () => owner.seen },
  };
  const begin = async () => {
    const plain = { watcher: undefined, fromNow: false, resumeToken: '', signal: new AbortController().signal };
    const reading = { sync: sync as unknown as Pick<Sync, 'watch'>, queries };
    for await (const _ of watchRows(reading, source, { ...plain, ...given })) expect('an event').toBe('none');
    const [options] = asked;
    if (options === undefined || typeof options.snapshot === 'function') throw new Error('the feed has no key');
    return { ...options, snapshot: options.snapshot };
  };
  return { owner, begin };
}

/** A transaction that records the statement, and finds nothing. */
function recording() {
  const statements: (readonly [string, readonly SqlValue[] | undefined])[] = [];
  const query = async (sql: string, params?: readonly SqlValue[]) => {
    statements.push([sql, params]);
    return [];
  };
  return { statements, transaction: { query } as unknown as Transaction };
}

const ADA = { issuer: 'https://issuer.example.com', subject: 'ada', scopes: [] };
const SHELF = { column: 'shelf_id', value: 'a' };
const row = (fields: object) => ({ id: '1', sequence: '7', shelf: 'a', owner: 'ada', ...fields });

it('reads what the watcher sees at the moment of each part, and filters the changes by it', async () => {
  const { owner, begin } = watchBooks({ watcher: ADA }, { seen: 'north' });
  const { snapshot, filter } = await begin();
  expect(filter?.accepts(row({ owner: 'north' }))).toBe(true);
  owner.seen = 'south';
  const { statements, transaction } = recording();
  await snapshot.readAfter(transaction, 5n);
  expect(statements).toEqual([
    [
      'SELECT sequence, id FROM books WHERE delete_time IS NULL AND books.owner = $2::text AND books.sequence > $1 ORDER BY books.sequence LIMIT 100',
      [5n, 'south'],
    ],
  ]);
  expect(['north', 'south'].map((of) => filter?.accepts(row({ owner: of })))).toEqual([false, true]);
});

it('shows no rows to a watcher that sees none, also none without an owner', async () => {
  const { snapshot, filter } = await watchBooks({ watcher: ADA }, { seen: null }).begin();
  const { statements, transaction } = recording();
  await snapshot.readAfter(transaction, 0n);
  expect(statements[0]?.[1]).toEqual([0n, null]);
  for (const owner of ['', null, 'ada']) expect(filter?.accepts(row({ owner }))).toBe(false);
});

it('tells handovers to the watchers that they concern, whatever part of the snapshot they have', async () => {
  const { filter, rowsOf, snapshot } = await watchBooks({ watcher: ADA, of: SHELF }, { seen: 'north' }).begin();
  const handover = (fields: object) => ({ handover: true, ...fields });
  const concerned = [
    handover({ from: 'north', to: 'south' }),
    handover({ from: 'south', to: 'north', shelf: 'a' }),
    handover({ person: 'ada' }),
    handover({ from: 'x', to: 'north', rows: [row({})] }),
  ];
  const others = [
    handover({ from: 'south', to: 'east' }),
    handover({ from: 'north', to: 'south', shelf: 'b' }),
    handover({ person: 'bob' }),
  ];
  for (const payload of [...concerned, ...others]) {
    expect(rowsOf?.(payload)).toEqual([payload]);
    expect(snapshot.keyOf(payload)).toBe(0n);
  }
  expect(concerned.map((payload) => filter?.accepts(payload))).toEqual(concerned.map(() => true));
  expect(others.map((payload) => filter?.accepts(payload))).toEqual(others.map(() => false));
});

it('tells those who see all the rows of a change, however it has them', async () => {
  const { rowsOf, filter, snapshot } = await watchBooks({ of: SHELF }).begin();
  expect(rowsOf?.(row({}))).toEqual([row({})]);
  expect(rowsOf?.({ rows: [row({}), row({ shelf: 'b' })], handover: true })).toHaveLength(2);
  for (const none of [{ ids: ['1'] }, { handover: true, from: 'x', to: 'y' }, null]) expect(rowsOf?.(none)).toEqual([]);
  const rows = [row({}), row({ shelf: 'b' }), row({ shelf: null })];
  expect(rows.map((one) => filter?.accepts(one))).toEqual([true, false, false]);
  expect(snapshot.keyOf(row({}))).toBe(7n);
});

it('names all that narrows a watch, for its tokens', async () => {
  const watches: Partial<ResourceWatch>[] = [
    {},
    { fromNow: true },
    { of: SHELF },
    { watcher: ADA },
    { of: SHELF, watcher: ADA },
  ];
  const nameOf = async (watch: Partial<ResourceWatch>, seen?: string) =>
    (await watchBooks(watch, { seen }).begin()).filter?.name;
  expect(await nameOf({ watcher: ADA })).toBe('["","","[\\"https://issuer.example.com\\",\\"ada\\",\\"all\\"]"]');
  expect(await Promise.all(watches.map((watch) => nameOf(watch, 'ada')))).toEqual([
    '',
    '["from now","",""]',
    '["","shelf a",""]',
    '["","","[\\"https://issuer.example.com\\",\\"ada\\"]"]',
    '["","shelf a","[\\"https://issuer.example.com\\",\\"ada\\"]"]',
  ]);
});
