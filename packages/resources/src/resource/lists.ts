import type { FilterField } from '../filter.js';
import type { List } from '../list.js';
import type { Listing } from '../sql/listing.js';
import type { Model } from './model.js';
import type { Table } from './table.js';

/** How the table of a resource is listed. @param parents the ids of the parents, from the first one on. */
export function listingOf<M>(model: Model<M>, { selected, bytes }: Table, parents: readonly string[]): Listing {
  const { definition, ids } = model;
  const { table, sort = [], visibleTo, derived, list = {} } = definition;
  const filter: readonly string[] = definition.filter ?? [];
  const { ofParent, columns, sorted, ...tuned } = list;
  const states = filter.includes(STATE) ? model.field(STATE).column.filter : undefined;
  const scanned = filter.find((key) => model.field(key).column.names[0] === visibleTo?.column);
  const isPart = parents.length > 0;
  return {
    table,
    order: 'the newest first',
    selected,
    ...(bytes && { bytes }),
    ...(model.has('deleteTime') && { deletion: DELETION }),
    ...(states?.kind === 'enum' && { states: states.values }),
    ...(scanned && { scannedBy: { field: pathOf(model, scanned), withState: states !== undefined } }),
    ...(visibleTo && { visible: { value: visibleTo.column, indexed: true } }),
    ...tuned,
    columns: { ...columnsBy(model, filter), ...columns },
    sorted: { ...columnsBy(model, sort), ...sorted },
    ...(derived && { derived: { columns: derived.columns('page'), joins: derived.joins?.('page') ?? '' } }),
    ...(isPart && {
      ...ofParent,
      scope: { sql: parents.map((_id, index) => `${ids[index]} = $${index + 3}`).join(' AND '), params: parents },
    }),
  };
}

/** The field whose values are read along indexes of their own. */
const STATE = 'state';
/** The conditions of rows with a `delete_time`. */
export const DELETION = { live: 'delete_time IS NULL', deleted: 'delete_time IS NOT NULL' };

const pathOf = <M>(model: Model<M>, key: string): string => model.field(key).description.name;

function columnsBy<M>(model: Model<M>, keys: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(keys.map((key) => [pathOf(model, key), model.field(key).column.names[0] ?? '']));
}

/** Checks the fields of filters and sorts. @throws TypeError for one that isn't stored in one column. */
export function requireListable<M>(model: Model<M>): void {
  for (const key of model.definition.filter ?? []) filterOf(model, key);
  for (const key of model.definition.sort ?? []) filterOf(model, key);
}

/** What a request may ask of the list of a collection. */
export function listOf<M>(model: Model<M>, collection: string): List {
  const { filter = [], sort = [] } = model.definition;
  const fields = filter.map((key) => [pathOf(model, key), filterOf(model, key)] as const);
  return {
    collection,
    fields: Object.fromEntries(fields),
    sortable: sort.map((key) => pathOf(model, key)),
  };
}

function filterOf<M>(model: Model<M>, key: string): FilterField {
  const { filter } = model.field(key).column;
  if (filter === undefined)
    throw new TypeError(`${model.type.$type}: "${key}" can't be filtered or sorted by: no single column has its value`);
  return filter;
}
