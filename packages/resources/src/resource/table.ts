import type { SqlValue } from '@rondo/database';
import { columnsOf } from '../sql/listing.js';
import { ownNames } from './column.js';
import type { Model, ModelField } from './model.js';

/** The values of a field's columns. */
export interface Assigned {
  readonly field: ModelField;
  readonly values: readonly SqlValue[];
}

/** A statement with its parameters. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** The statements of one resource. Their identifiers come from its contract and definition, and all values are parameters. */
export interface Table {
  /** The columns that are read of the table. */
  readonly selected: readonly string[];
  /** The SQL of the bytes of a row that is read, as far as they may be many; undefined if they never are. */
  readonly bytes: string | undefined;
  /** Those columns, as a statement lists them. */
  readonly columns: string;
  readonly select: string;
  readonly get: string;
  /** Locks a row and reads it. If `is_behind`, what is next to the row may be older than the row, so it is to be read again. */
  readonly lock: string;
  /** A statement that writes one row, and returns what is read of it. */
  returning(write: string): string;
  readonly deleteRow: string;
  insert(ids: readonly string[], assigned: readonly Assigned[]): Statement;
  update(ids: readonly string[], assigned: readonly Assigned[]): Statement;
  setDeleted(ids: readonly string[], isDeleted: boolean): Statement;
}

/** The statements of a resource's table. */
export function tableOf<M>(model: Model<M>): Table {
  const { definition, ids, has } = model;
  const { table, derived } = definition;
  const selected = selectedOf(model);
  const columns = columnsOf(table, selected);
  const more = derived === undefined ? '' : `, ${derived.columns(table)}`;
  const whereId = ids.map((column, index) => `${table}.${column} = $${index + 1}`).join(' AND ');
  const select = `SELECT ${columns}${more} FROM ${table} ${derived?.joins?.(table) ?? ''}`.trimEnd();
  const now = timeOfChange(model);
  const changed = [...(has('etag') ? ['version = version + 1'] : []), ...assignTime(model, 'updateTime', now)];
  const set = (assignments: readonly string[]) =>
    `UPDATE ${table} SET ${[...assignments, ...changed].join(', ')} WHERE ${whereId}`;
  return {
    selected,
    bytes: bytesOf(model),
    columns,
    select,
    get: `${select} WHERE ${whereId}`,
    lock: lockOf(model, columns, whereId),
    returning(write) {
      const plain = `${write} RETURNING ${columns}`;
      if (derived === undefined) return plain;
      return `WITH written AS (${plain})
        SELECT ${columnsOf('written', selected)}, ${derived.columns('written')} FROM written ${derived.joins?.('written') ?? ''}`;
    },
    deleteRow: `DELETE FROM ${table} WHERE ${whereId}`,
    insert(given, assigned) {
      const set = valuesByColumn(assigned);
      const times = ['createTime', 'updateTime']
        .flatMap((key) => timeColumn(model, key))
        .filter((one) => !set.has(one));
      const params = [...given, ...set.values()];
      const values = [...params.map((_, index) => `$${index + 1}`), ...times.map(() => 'statement_timestamp()')];
      const into = [...ids, ...set.keys(), ...times].join(', ');
      return { sql: `INSERT INTO ${table} (${into}) VALUES (${values.join(', ')})`, params };
    },
    update(given, assigned) {
      const values = valuesByColumn(assigned);
      const assignments = [...values.keys()].map((column, index) => `${column} = $${given.length + index + 1}`);
      return { sql: set(assignments), params: [...given, ...values.values()] };
    },
    setDeleted: (given, isDeleted) => ({
      sql: set(assignTime(model, 'deleteTime', isDeleted ? now : 'NULL')),
      params: given,
    }),
  };
}

/**
 * After waiting for the lock, PostgreSQL returns the row as it is by then, but what other tables had when the statement began. Parts of
 * a resource are written only with its row, so they are of the returned row if that is the one which the statement saw, by `xmin`.
 * Joined rows may have changed alone.
 */
function lockOf<M>({ definition: { table, derived } }: Model<M>, columns: string, whereId: string): string {
  const lock = `FROM ${table} WHERE ${whereId} FOR NO KEY UPDATE`;
  if (derived === undefined) return `SELECT ${columns} ${lock}`;
  if (derived.joins !== undefined) return `SELECT TRUE AS is_behind ${lock}`;
  const seen = `(SELECT xmin FROM ${table} AS seen WHERE ${whereId.replaceAll(`${table}.`, 'seen.')})`;
  return `SELECT ${columns}, ${derived.columns(table)}, ${table}.xmin IS DISTINCT FROM ${seen} AS is_behind ${lock}`;
}

/** Each column once: amounts may share the one of their currency. */
function valuesByColumn(assigned: readonly Assigned[]): ReadonlyMap<string, SqlValue> {
  return new Map(
    assigned.flatMap(({ field, values }) =>
      ownNames(field.column).map((name, index) => [name, values[index] ?? null] as const),
    ),
  );
}

/** The column of a time that the server sets; none if the contract hasn't it. */
function timeColumn<M>(model: Model<M>, key: string): readonly string[] {
  return model.has(key) ? model.field(key).column.names.slice(0, 1) : [];
}

const assignTime = <M>(model: Model<M>, key: string, value: string): readonly string[] =>
  timeColumn(model, key).map((column) => `${column} = ${value}`);

/**
 * The time of a change: that of the statement, but later than the change before, which may be in the same millisecond, or by a clock
 * that was ahead.
 */
function timeOfChange<M>(model: Model<M>): string {
  const [updated] = timeColumn(model, 'updateTime');
  const now = 'statement_timestamp()';
  return updated === undefined ? now : `greatest(${now}, ${updated} + interval '1 millisecond')`;
}

/** Each column once: that of the position, the ids, the fields, the number of changes, and what decides who sees the row. */
function selectedOf<M>({ definition: { visibleTo, list }, ids, fields, has }: Model<M>): readonly string[] {
  return [
    ...new Set([
      ...[list?.position ?? 'sequence', ...ids],
      ...fields.flatMap(({ column }) => ownNames(column)),
      ...(has('etag') ? ['version'] : []),
      ...(visibleTo === undefined ? [] : [visibleTo.column]),
    ]),
  ];
}

/** The length of a value of `bytea` and of a text is known without the value. What is read of other tables isn't counted. */
function bytesOf<M>({ fields }: Model<M>): string | undefined {
  const lengths = fields.flatMap(({ column: { names, types } }) =>
    types.flatMap((type, index) => {
      if (!/^(?:bytea|text|jsonb)\b|\[\]/.test(type)) return [];
      return [`coalesce(octet_length(${names[index]}${/^bytea\b(?!\[)/.test(type) ? '' : '::text'}), 0)`];
    }),
  );
  return lengths.length === 0 ? undefined : [...new Set(lengths)].join(' + ');
}
