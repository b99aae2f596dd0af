import type { describeTable } from '@rondo/resources/sql';
import { propertyName } from './app.js';
import type { NamedResource } from './blueprint.js';

/** Words that are no name of a column, the columns that each table has, and the marks of changes. */
const RESERVED =
  'all analyse analyze and any array as asc asymmetric authorization binary both case cast check cmax cmin collate collation column ' +
  'concurrently constraint create cross ctid current_date current_time current_user default deferrable desc distinct do else end ' +
  'except false fetch for foreign freeze from full grant group handover having id ilike in initially inner intersect into is isnull join ' +
  'lateral leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing ' +
  'primary references removed returning right select sequence session_user similar some symmetric table tableoid tablesample then to ' +
  'trailing true union unique user using variadic verbose version when where window with xmax xmin';

/** The types of fields that lists may be sorted by if a create requires them: their columns are never null. */
const SORTED = new Set(['string', 'google.protobuf.Timestamp', 'google.type.Date']);

/** What a definition says of a resource. */
export interface Defined extends NamedResource {
  readonly described: ReturnType<typeof describeTable>;
  /** The fields in columns with other names, as properties in code. */
  readonly columns: readonly string[];
  /** The resources that fields refer to. */
  readonly targets: ReadonlyMap<string, NamedResource>;
  /** Fields by their names in code. */
  readonly filter: readonly string[];
  readonly sort: readonly string[];
}

/** What the definition of a resource says. @param known The resources of the service: those that it may refer to. */
export function define(resource: NamedResource, known: readonly NamedResource[]): Defined {
  const { contract, table } = resource;
  const { description, references } = contract;
  const kindsBy = [...references].flatMap(([key, kind]) => {
    const target = known.find(({ contract }) => contract.kind === kind);
    return target === undefined ? [] : [[key, target] as const];
  });
  const targets = new Map(kindsBy);
  const taken = new Set([...RESERVED.split(' '), ...contract.describeTable({ table }).ids]);
  const free = (column: string) => (taken.has(column) ? `${column}_value` : column);
  const moved = description.fields.flatMap(({ key, name }): readonly Moved[] => {
    const pattern = targets.get(key)?.contract.description.pattern;
    const column = free(pattern === undefined ? name : `${name}_id`);
    if (pattern !== undefined)
      return [{ key, column: { pattern, column }, code: `reference('${pattern}', '${column}')` }];
    return column === name ? [] : [{ key, column, code: `'${column}'` }];
  });
  const columns = Object.fromEntries(moved.map(({ key, column }) => [key, column]));
  const described = contract.describeTable({ table, columns });
  const listed = description.fields.filter(
    ({ key, behavior = [] }) =>
      described.columns.get(key)?.isFilterable === true && (key === 'createTime' || !behavior.includes('OUTPUT_ONLY')),
  );
  const sorted = listed.filter(
    ({ key, type: kind, behavior = [], optional }) =>
      key === 'createTime' ||
      (SORTED.has(kind) && behavior.includes('REQUIRED') && optional !== true && !targets.has(key)),
  );
  return {
    ...resource,
    described,
    targets,
    columns: moved.map(({ key, code }) => `${propertyName(key)}: ${code}`),
    filter: listed.map(({ key }) => key),
    sort: sorted.map(({ key }) => key),
  };
}

/** A field in a column that hasn't its name. */
interface Moved {
  readonly key: string;
  readonly column: string | { readonly pattern: string; readonly column: string };
  readonly code: string;
}

/** The name of the index that keeps the values of a field unique. */
export const uniqueIndex = ({ table, described }: Defined, key: string): string =>
  `${table}_${columnOf(described, key)}_key`;

/** The first column of a field. */
export const columnOf = ({ columns }: Defined['described'], key: string): string => columns.get(key)?.names[0] ?? key;
