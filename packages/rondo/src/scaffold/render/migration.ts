import type { NamedResource } from './blueprint.js';
import { columnOf, type Defined, define, uniqueIndex } from './definition.js';

/** Renders the migration that makes the tables of resources, with the indexes that their gets, lists and watches walk along. */
export function renderTables(resources: readonly NamedResource[], known: readonly NamedResource[]): string {
  const depth = ({ contract }: NamedResource) => contract.description.pattern.split('/').length;
  const ordered = [...resources].sort((one, other) => depth(one) - depth(other));
  // A table can only refer to one that exists.
  const before = (one: NamedResource) => [
    ...known.filter((other) => !resources.includes(other)),
    ...ordered.slice(0, ordered.indexOf(one) + 1),
  ];
  return ordered.map((one) => tableOf(define(one, known), before(one))).join('\n');
}

function tableOf(defined: Defined, before: readonly NamedResource[]): string {
  const { table, described, contract, filter, sort, unique } = defined;
  const { ids, create } = described;
  const isDeletable = described.columns.has('deleteTime');
  const parents = ids.slice(0, -1);
  const index = (name: string, columns: readonly string[], where = '') =>
    `CREATE INDEX ${table}_${name} ON ${table} (${columns.join(', ')})${where};`;
  const walk = (name: string, columns: readonly string[]) =>
    isDeletable
      ? [
          index(name, columns, ' WHERE delete_time IS NULL'),
          index(`${name}_deleted`, columns, ' WHERE delete_time IS NOT NULL'),
        ]
      : [index(name, columns)];
  const scopes = parents.length === 0 ? [[]] : [[], parents];
  const of = (scope: readonly string[]) => (scope.length === 0 ? '' : '_of_parent');
  const isEnum = contract.description.fields.some(({ key, values }) => key === 'state' && values !== undefined);
  const isState = (key: string) => key === 'state' && isEnum;
  const sorts = sort.map((key) => columnOf(described, key));
  // An index with a condition isn't used for others' rows.
  const isUnique = (key: string) => unique.includes(key) && !uniqueLine(defined, key).includes(' WHERE ');
  const others = filter.filter((key) => !sort.includes(key) && !isState(key) && !isUnique(key));
  const keys = foreignKeys(defined, before)
    .map((line) => `,\n  ${line}`)
    .join('');
  const lines = [
    `${create.replace(/\n\);$/, '')}${keys}\n);`,
    ...unique.map((key) => uniqueLine(defined, key)),
    ...scopes.flatMap((scope) => [
      ...walk(`walk${of(scope)}`, [...scope, 'sequence']),
      ...(filter.some(isState) ? walk(`walk${of(scope)}_state`, [...scope, 'state', 'sequence']) : []),
      ...sorts.map((column) => index(`sort${of(scope)}_${column}`, [...scope, column, 'sequence'])),
    ]),
    ...others.map((key) => index(columnOf(described, key), [columnOf(described, key)])),
    ...(contract.methods.some((key) => key.startsWith('watch')) ? [watched(table)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Of the parent, and of the resources that fields refer to by one id. */
function foreignKeys({ contract, described: { ids, columns }, targets }: Defined, before: readonly NamedResource[]) {
  const parentPattern = contract.description.pattern.split('/').slice(0, -2).join('/');
  const parent = before.find((one) => one.contract.description.pattern === parentPattern);
  const referring = [...targets].filter(
    ([, target]) => before.includes(target) && target.contract.description.pattern.split('/').length === 2,
  );
  return [
    ...(parent === undefined ? [] : [`FOREIGN KEY (${ids.slice(0, -1).join(', ')}) REFERENCES ${parent.table}`]),
    ...referring.map(([key, { table }]) => `FOREIGN KEY (${columns.get(key)?.names[0]}) REFERENCES ${table}`),
  ];
}

function uniqueLine(defined: Defined, key: string): string {
  const { table, described, contract } = defined;
  const column = columnOf(described, key);
  const field = contract.description.fields.find((one) => one.key === key);
  const conditions = [
    ...(described.columns.has('deleteTime') ? ['delete_time IS NULL'] : []),
    ...(field?.behavior?.includes('REQUIRED') || field?.type !== 'string' ? [] : [`${column} <> ''`]),
  ];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `CREATE UNIQUE INDEX ${uniqueIndex(defined, key)} ON ${table} (${column})${where};`;
}

const watched = (table: string) =>
  `CREATE TRIGGER ${table}_are_watched AFTER INSERT OR UPDATE OR DELETE ON ${table}
  FOR EACH ROW EXECUTE FUNCTION sync_append_row('${table}');`;
