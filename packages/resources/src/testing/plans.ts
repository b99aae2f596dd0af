import type { Database, SqlValue, Transaction } from '@rondo/database';
import type { ListOrder, ListQuery } from '../domain/list.js';
import type { Resource } from '../resource/define-resource.js';
import { valueIn } from '../resource/json-column.js';

/**
 * What PostgreSQL executes for a resource without an index of its table, such as `a list by title desc`: of Get, of writes, of its watch,
 * and of lists in each order, by each filter, and of what one caller sees. The table has to be so large that an index is worth it, and
 * analyzed.
 *
 * @param name a resource that isn't deleted. All that is written is rolled back.
 */
export async function unindexedOf<M extends { readonly name: string }>(
  database: Database,
  resource: Resource<M>,
  name: string,
): Promise<readonly string[]> {
  const unindexed: string[] = [];
  const { table } = resource.model.definition;
  // What stands under LIMIT 0 is never executed.
  const isScan = (node: PlanNode) =>
    node['Node Type'] === 'Seq Scan' && node['Relation Name'] === table && node['Actual Loops'] !== 0;
  const examine = async (tx: Transaction): Promise<never> => {
    for (const [what, run] of runsOf(resource, await resource.get(tx, name))) {
      const plans: PlanNode[][] = [];
      await run(explaining(tx, plans));
      if (plans.length === 0 || plans.some((plan) => plan.some(isScan))) unindexed.push(what);
    }
    throw new RolledBack();
  };
  await database.transaction(examine).catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
  return unindexed;
}

class RolledBack extends Error {}

type PlanNode = Readonly<Record<string, unknown>>;

/** The nodes of a plan. */
function nodesIn(plan: unknown): PlanNode[] {
  if (Array.isArray(plan)) return plan.flatMap(nodesIn);
  if (typeof plan !== 'object' || plan === null) return [];
  const node = Object.fromEntries(Object.entries(plan));
  return [node, ...Object.values(node).flatMap(nodesIn)];
}

/** A transaction that notes the plan of each statement before it executes it. */
function explaining(tx: Transaction, plans: PlanNode[][]): Transaction {
  const explain = async (sql: string, params: readonly SqlValue[] = []): Promise<void> => {
    const [row = {}] = await tx.query(`EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) ${sql}`, params);
    plans.push(nodesIn(row));
  };
  return {
    ...tx,
    async query<Row extends object>(sql: string, params?: readonly SqlValue[]) {
      await explain(sql, params);
      return tx.query<Row>(sql, params);
    },
    async maybeOne<Row extends object>(sql: string, params?: readonly SqlValue[]) {
      await explain(sql, params);
      return tx.maybeOne<Row>(sql, params);
    },
  };
}

type Run = readonly [what: string, run: (tx: Transaction) => Promise<unknown>];

function runsOf<M extends { readonly name: string }>(resource: Resource<M>, present: M): readonly Run[] {
  const { name } = present;
  return [
    ['get', (tx) => resource.get(tx, name)],
    ['lock', (tx) => resource.lock(tx, name)],
    ['delete', (tx) => resource.delete(tx, present)],
    ...(resource.model.has('deleteTime') ? [['undelete', (tx) => resource.undelete(tx, present)] satisfies Run] : []),
    ['watch', (tx) => readSnapshot(resource, tx)],
    ...listsOf(resource, present).map(
      ([what, query]): Run => [`a list ${what}`, (tx) => readPages(resource, tx, query)],
    ),
  ];
}

/** Reads the first part of a snapshot. */
async function readSnapshot<M>(resource: Resource<M>, tx: Transaction): Promise<void> {
  const sync: Parameters<typeof resource.watch>[0]['sync'] = {
    // biome-ignore lint/correctness/useYield: it has no events
    async *watch({ snapshot }) {
      if (typeof snapshot === 'object') await snapshot.readAfter(tx, 0n);
    },
  };
  const { signal } = new AbortController();
  const watch = { watcher: undefined, fromNow: false, resumeToken: '', signal };
  for await (const event of resource.watch({ sync, queries: tx }, watch)) throw new TypeError(event.kind);
}

/** Reads two pages, as the second one begins at a place. */
async function readPages<M>(resource: Resource<M>, tx: Transaction, query: ListQuery): Promise<void> {
  const { next } = await resource.list(tx, query);
  if (next !== undefined) await resource.list(tx, { ...query, after: next });
}

const PLAIN: ListQuery = { after: undefined, size: 2, conditions: [], showDeleted: false };

function listsOf<M>({ model }: Resource<M>, present: M): readonly (readonly [what: string, query: ListQuery])[] {
  const { sort = [], filter = [], visibleTo, list } = model.definition;
  const orders = sort.flatMap((key): ListOrder[] => {
    const field = model.field(key).description.name;
    return [false, true].map((descending) => ({ field, descending }));
  });
  const conditions = filter.flatMap((key) => {
    const { column, description } = model.field(key);
    const [value] = column.write(valueIn(present, key));
    const isValue = typeof value === 'string' || typeof value === 'bigint' || value instanceof Date;
    const isIndexed = isValue && list?.unindexed?.includes(description.name) !== true;
    return isIndexed ? [{ field: description.name, comparator: '=' as const, value }] : [];
  });
  const visible = visibleTo && model.fields.find(({ column }) => column.names[0] === visibleTo.column);
  return [
    ['in its own order', PLAIN],
    ['with deleted ones', { ...PLAIN, showDeleted: true }],
    ...orders.map((order) => [`by ${order.field}${order.descending ? ' desc' : ''}`, { ...PLAIN, order }] as const),
    ...conditions.map((condition) => [`with ${condition.field} =`, { ...PLAIN, conditions: [condition] }] as const),
    ...(visibleTo
      ? [
          [
            'of what a caller sees',
            { ...PLAIN, visible: String(visible ? valueIn(present, visible.description.key) : '') },
          ] as const,
        ]
      : []),
  ];
}
