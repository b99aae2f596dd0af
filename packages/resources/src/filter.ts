import type { ReportFault } from '@rondo/rpc/status';
import type { Comparator, Condition } from './domain/list.js';

/** The kind of a field that a filter may compare. */
export type FilterField =
  | { readonly kind: 'text' }
  /** A resource name; `read` returns its id, or undefined for another name. */
  | { readonly kind: 'name'; readonly pattern: string; readonly read: (name: string) => string | undefined }
  /** By its values, also with the prefix that their names have in the contract and in replies. */
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly prefix?: string | undefined }
  /** Of 64 bits, signed by default. */
  | { readonly kind: 'integer'; readonly unsigned?: boolean }
  /** `2026-11-20` in quotes. */
  | { readonly kind: 'date' }
  /** RFC 3339 in quotes. */
  | { readonly kind: 'timestamp' };

const MAX_LENGTH = 2_000;
const MAX_CONDITIONS = 16;
const CONDITION = /^\s*([A-Za-z_][\w.]*)\s*(!=|<=|>=|[=<>:])\s*("(?:[^"\\]|\\["\\*])*"|[^\s"()]+)\s*/;
const [AND, OR, NOT] = [/^AND(?=[\s(-])\s*/, /^OR(?=[\s-])\s*/, /^\s*(?:NOT(?=[\s(])|-)/];
const [OPEN, CLOSE] = [/^\s*\(/, /^\)\s*/];
/** Syntax of AIP-160 that this subset lacks. */
const UNSUPPORTED = /^[()]/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{1,3}0{0,6})?(?:Z|[+-]\d\d:\d\d)$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * Parses a filter: comparisons of AIP-160, joined by `AND` and by `OR`, which binds tighter, and may have parentheses around it. `NOT`
 * or `-` before a comparison by `=` or `!=`, or before parentheses, negates it. An empty filter has no conditions. Faults are passed to `report`.
 *
 * @param fields the fields that may be compared, by path.
 */
export function readFilter(
  report: ReportFault,
  text: string,
  fields: Readonly<Record<string, FilterField>>,
): readonly Condition[] {
  if (text.trim() === '') return [];
  if (text.length > MAX_LENGTH) {
    report(`must have at most ${MAX_LENGTH} characters; it has ${text.length}`);
    return [];
  }
  const conditions: Condition[] = [];
  let [rest, count] = [text, 0];
  const take = (pattern: RegExp) => {
    const found = pattern.exec(rest);
    rest = rest.slice(found?.[0].length ?? 0);
    return found;
  };
  do {
    const isNegated = take(NOT) !== null;
    const isOpen = take(OPEN) !== null;
    const alternatives: Condition[] = [];
    do {
      const isOwn = isOpen || alternatives.length > 0 ? take(NOT) !== null : isNegated;
      const [, path = '', comparator = '', literal = ''] = take(CONDITION) ?? [];
      if (path === '') return refuse(report, text, { rest, fields });
      const condition = readCondition(
        report,
        { path, comparator, literal, negates: isOwn !== (isOpen && isNegated) },
        fields,
      );
      if (condition === undefined) return [];
      alternatives.push(condition);
    } while (take(OR) !== null);
    if (isOpen && take(CLOSE) === null) return refuse(report, text, { rest, fields });
    const [first, ...or] = alternatives;
    // No alternative may hold, so each negation must.
    if (isOpen && isNegated) conditions.push(...alternatives);
    else if (first !== undefined) conditions.push(or.length === 0 ? first : { ...first, or });
    count += alternatives.length;
  } while (take(AND) !== null);
  if (rest !== '') return refuse(report, text, { rest, fields });
  if (count <= MAX_CONDITIONS) return conditions;
  report(`must have at most ${MAX_CONDITIONS} conditions; it has ${count}`);
  return [];
}

interface Refused {
  readonly rest: string;
  readonly fields: Readonly<Record<string, FilterField>>;
}

function refuse(report: ReportFault, text: string, { rest, fields }: Refused): readonly Condition[] {
  const at = text.length - rest.length;
  const [unsupported] = UNSUPPORTED.exec(rest) ?? [];
  if (unsupported !== undefined) {
    report(`must be ${FORM}, without further parentheses; there is "${unsupported}" at character ${at + 1}`);
    return [];
  }
  const found = rest === '' ? 'it ends' : `there is ${JSON.stringify(rest.slice(0, 20))}`;
  const example = Object.keys(fields).find((path) => fields[path]?.kind === 'text') ?? 'field';
  const expected = at === 0 ? 'a comparison' : 'a comparison, AND or OR';
  report(
    `must be ${FORM}, such as ${example} = "value"; at character ${at + 1} ${found}, where ${expected} is expected`,
  );
  return [];
}

const FORM = 'comparisons joined by AND, or (by OR in parentheses)';

interface Comparison {
  readonly path: string;
  readonly comparator: string;
  readonly literal: string;
  /** Whether it is negated, by `NOT` or `-`. */
  readonly negates: boolean;
}

function readCondition(
  report: ReportFault,
  { path, comparator, literal, negates }: Comparison,
  fields: Readonly<Record<string, FilterField>>,
): Condition | undefined {
  const field = Object.hasOwn(fields, path) ? fields[path] : undefined;
  if (field === undefined) {
    report(`must compare ${Object.keys(fields).join(', ')}; it names "${path}"`);
    return undefined;
  }
  if (!isComparator(comparator)) {
    report(`must compare ${path} by =, !=, <, <=, > or >=; it has ${comparator}`);
    return undefined;
  }
  if (isUnordered(field) && comparator !== '=' && comparator !== '!=') {
    report(`must compare ${path} by = or !=; it has ${comparator}`);
    return undefined;
  }
  const negated = NEGATED[comparator];
  if (negates && comparator !== '=' && comparator !== '!=') {
    report(`must negate only = and !=, as ${path} may have no value; write ${path} ${negated} ${literal}`);
    return undefined;
  }
  if (field.kind === 'text' && isWildcard(comparator, literal)) {
    report(
      `must compare ${path} with a whole text: a * at an end of it is no wildcard here; write "\\*" for the character`,
    );
    return undefined;
  }
  const text = literal.startsWith('"') ? literal.slice(1, -1).replace(/\\(["\\*])/g, '$1') : literal;
  const { value, rule } = readValue(field, text);
  if (value === undefined) {
    report(`must compare ${path} with ${rule}; it has ${literal}`);
    return undefined;
  }
  return { field: path, comparator: negates ? negated : comparator, value };
}

/** Each comparator, with the one that holds for every other value. */
const NEGATED: Readonly<Record<Comparator, Comparator>> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

const isComparator = (text: string): text is Comparator => Object.hasOwn(NEGATED, text);

function isUnordered({ kind }: FilterField): boolean {
  return kind === 'enum' || kind === 'name';
}

/** Whether AIP-160 means more than one text. */
const isWildcard = (comparator: Comparator, literal: string): boolean =>
  (comparator === '=' || comparator === '!=') && /^"?\*|\*"?$/.test(literal.replace(/\\./g, ''));

interface ReadValue {
  readonly value: Condition['value'] | undefined;
  /** A description of valid values. */
  readonly rule: string;
}

/** The value of a field, as a filter has it; undefined if the text is none. */
export function readValue(field: FilterField, text: string): ReadValue {
  switch (field.kind) {
    case 'text':
      // PostgreSQL doesn't accept NUL in a parameter.
      return { value: text.includes('\0') ? undefined : text, rule: 'a text in double quotes without NUL' };
    case 'name':
      return { value: field.read(text), rule: `a name such as "${field.pattern}"` };
    case 'enum':
      return { value: readEnum(field, text), rule: `one of ${field.values.join(', ')}` };
    case 'integer':
      return { value: readInteger(text, field.unsigned ? MAX_UINT64 : MAX_INT64), rule: 'a whole number of 64 bits' };
    case 'date':
      return { value: isDate(text) ? text : undefined, rule: 'a day such as "2026-01-31"' };
    case 'timestamp':
      return { value: readTimestamp(text), rule: 'a time to the millisecond, such as "2026-01-31T12:00:00.000Z"' };
  }
}

function readEnum({ values, prefix = '' }: FilterField & { readonly kind: 'enum' }, text: string): string | undefined {
  return [text, text.startsWith(prefix) ? text.slice(prefix.length) : text].find((one) => values.includes(one));
}

function readInteger(text: string, max: bigint): bigint | undefined {
  if (!/^-?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN_INT64 && value <= max ? value : undefined;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith('0000')) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text);
}

function readTimestamp(text: string): Date | undefined {
  // Date.parse reads February 30 as March 2, and hour 24, which RFC 3339 doesn't have, as midnight.
  const time = TIMESTAMP.test(text) && isDate(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(time) ? new Date(time) : undefined;
}
