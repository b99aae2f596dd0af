import type { Queries } from '@rondo/database';
import { ownNames } from './column.js';
import type { Definition, ResourceType } from './definition.js';
import { type Model, modelOf } from './model.js';
import { reference } from './value-columns.js';

/** What a resource says of its table. */
export interface StoredResource {
  readonly model: Pick<Model<never>, 'ids' | 'fields' | 'has'> & {
    readonly definition: Pick<Definition<never>, 'table' | 'list' | 'filter' | 'sort' | 'visibleTo'>;
  };
}

const COLUMNS = `
  SELECT wanted.name,
    coalesce(array_agg(attname::text) FILTER (WHERE attnum > 0 AND NOT attisdropped), '{}') AS columns,
    coalesce(array_agg(format_type(atttypid, atttypmod)) FILTER (WHERE attnum > 0 AND NOT attisdropped), '{}') AS types,
    coalesce(array_agg(attname::text) FILTER (WHERE attnum > 0 AND NOT attnotnull), '{}') AS nullable
  FROM unnest($1::text[]) AS wanted (name) LEFT JOIN pg_attribute ON attrelid = to_regclass(wanted.name)
  GROUP BY wanted.name`;

/**
 * Checks, by one statement, that the tables have what the resources store. Call it after the migrations.
 *
 * @throws Error that has the migration which adds what is missing, or names a column of another type than its field's, or one that lists are
 * sorted by and that may be null.
 */
export async function requireTables(
  queries: Pick<Queries, 'query'>,
  resources: readonly StoredResource[],
): Promise<void> {
  const names = [...new Set(resources.map(({ model }) => model.definition.table))];
  const rows = await queries.query<TableRow>(COLUMNS, [names]);
  const present = new Map(rows.map(({ name, columns }) => [name, new Set(columns)]));
  const statements = resources.flatMap((resource) => missingIn(resource, present.get(resource.model.definition.table)));
  if (statements.length > 0)
    throw new OtherSchema(
      `the database lacks what the service stores; add a migration with\n\n${statements.join('\n')}\n`,
    );
  for (const resource of resources) {
    requireTypes(resource, rows);
    requireSortable(resource, rows);
  }
}

/** The tables aren't those that the service needs. */
class OtherSchema extends Error {
  override readonly name = 'OtherSchema';
  /** Tells a service that no later try succeeds. */
  readonly neverPasses = true;
}

interface TableRow {
  readonly name: string;
  readonly columns: readonly string[];
  /** Of the columns, in their order. */
  readonly types: readonly string[];
  readonly nullable: readonly string[];
}

/** Types that can't stand for one another. Those of a migration's author, such as `uuid`, are of no kind: they may suit any field. */
const KINDS = [
  /^[^']*\[\]/,
  /^(text|char)/,
  /^((big|small)?int|numeric|double|real)/,
  /^bool/,
  /^(timestamp|date)/,
  /^json/,
];
const kindOf = (type: string): number => KINDS.findIndex((kind) => kind.test(type));

/** A field whose type has changed in the contract would fail each read of a row. */
function requireTypes(resource: StoredResource, rows: readonly TableRow[]): void {
  const { table } = resource.model.definition;
  const { columns = [], types = [] } = rows.find(({ name }) => name === table) ?? {};
  for (const { name, type } of tableColumns(resource)) {
    const present = types[columns.indexOf(name)] ?? '';
    if (kindOf(present) >= 0 && kindOf(type) >= 0 && kindOf(present) !== kindOf(type))
      throw new OtherSchema(
        `${table}.${name} is ${present}, and its field is stored as ${type}. Store the field in a new column, by \`columns\` of the ` +
          'definition, or change the type of the column by a migration',
      );
  }
}

/** A page after a given row has no row without the value by which the list is sorted, and a page token has a time in milliseconds. */
function requireSortable({ model: { definition, fields } }: StoredResource, rows: readonly TableRow[]): void {
  const { table, sort = [], list } = definition;
  const { columns = [], types = [], nullable = [] } = rows.find(({ name }) => name === table) ?? {};
  const sortable: readonly string[] = sort;
  for (const { description, column } of fields) {
    const [name = ''] = column.names;
    const value = list?.sorted?.[description.name] ?? name;
    if (!sortable.includes(description.key) || value === list?.position) continue;
    const refuse = (fault: string, remedy: string, sql: string) => {
      throw new OtherSchema(
        `${table} can't be sorted by ${description.name}: its column ${name} ${fault}. ${remedy} by a migration, ` +
          `or give an SQL value in the definition, such as list: { sorted: { ${description.name}: "${sql}" } }`,
      );
    };
    if (nullable.includes(value)) refuse('may be null', 'Make it NOT NULL', `coalesce(${name}, …)`);
    if (/^timestamp(?!\([0-3]\))/.test(types[columns.indexOf(value)] ?? ''))
      refuse('has microseconds', 'Give it the type timestamptz(3)', `${name}::timestamptz(3)`);
  }
}

/** The statements that add what a resource stores and a table with these columns lacks. A table without any doesn't exist. */
export function missingIn(resource: StoredResource, present: ReadonlySet<string> = new Set()): readonly string[] {
  if (present.size === 0) return [createTable(resource)];
  const { table } = resource.model.definition;
  const missing = tableColumns(resource).filter(({ name }) => !present.has(name));
  return missing.map(({ name, type }) => `ALTER TABLE ${table} ADD COLUMN ${name} ${type};`);
}

interface TableColumn {
  readonly name: string;
  readonly type: string;
}

/** The columns of a resource's table, each once. */
function tableColumns({ model: { definition, ids, fields, has } }: StoredResource): readonly TableColumn[] {
  const { list, visibleTo } = definition;
  const times = 'timestamptz(3) NOT NULL';
  const named = fields.flatMap(({ description: { key }, column: { names, types } }) =>
    types.map((type, index) => ({
      name: names[index] ?? '',
      type: key === 'createTime' || key === 'updateTime' ? `${times} DEFAULT now()` : type,
    })),
  );
  const columns = [
    ...ids.map((name) => ({ name, type: 'text NOT NULL' })),
    ...(list?.position === undefined ? [{ name: 'sequence', type: 'bigint GENERATED ALWAYS AS IDENTITY' }] : []),
    ...named,
    ...(has('etag') ? [{ name: 'version', type: 'bigint NOT NULL DEFAULT 1' }] : []),
    ...(visibleTo ? [{ name: visibleTo.column, type: "text NOT NULL DEFAULT ''" }] : []),
  ];
  return columns.filter(({ name }, index) => columns.findIndex((one) => one.name === name) === index);
}

/** The statement that creates the table of a resource, without indexes. A column that a later migration adds has rows without a value. */
function createTable(resource: StoredResource): string {
  const { definition, ids, fields } = resource.model;
  const required = new Set(
    fields.flatMap(({ description, column }) => (description.behavior?.includes('REQUIRED') ? ownNames(column) : [])),
  );
  const typeOf = ({ name, type }: TableColumn) =>
    required.has(name) && !type.includes(' NOT NULL') ? `${type} NOT NULL` : type;
  const lines = tableColumns(resource).map((one) => `  ${one.name} ${typeOf(one)},`);
  return [`CREATE TABLE ${definition.table} (`, ...lines, `  PRIMARY KEY (${ids.join(', ')})`, ');'].join('\n');
}

/** The table of a resource, for tools that write its first migration. */
export interface DescribedTable {
  /** The statement that creates it, without indexes. */
  readonly create: string;
  /** The columns of the ids. */
  readonly ids: readonly string[];
  /** The columns of each field by its name in code, and whether a filter may compare the first one. */
  readonly columns: ReadonlyMap<string, { readonly names: readonly string[]; readonly isFilterable: boolean }>;
}

/** What is described: fields in columns of other names, and those that refer to other resources, by their names in code. */
export interface TableOptions {
  readonly table: string;
  readonly columns?: Readonly<Record<string, string | { readonly column: string; readonly pattern: string }>>;
}

/** Describes the table of a resource by its contract. @throws TypeError for a field that no column holds. */
export function describeTable(
  { $type, resource }: Pick<ResourceType<object>, '$type' | 'resource'>,
  { table, columns = {} }: TableOptions,
): DescribedTable {
  const given = Object.entries(columns).map(
    ([key, one]) => [key, typeof one === 'string' ? one : reference(one.pattern, one.column)] as const,
  );
  const unused = () => {
    throw new TypeError(`${$type} is only described`);
  };
  const type = { $type, resource, encode: unused, decode: unused, fromPartial: unused };
  const model = modelOf<Record<string, unknown>>(type, { table, columns: Object.fromEntries(given) });
  const described = model.fields.map(
    ({ description: { key }, column: { names, filter } }) =>
      [key, { names, isFilterable: filter !== undefined }] as const,
  );
  return { create: createTable({ model }), ids: model.ids, columns: new Map(described) };
}
