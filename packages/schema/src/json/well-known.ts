import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { withPlainNumbers } from './parse.js';
import type { Checked } from './scalar.js';

/** Checks the JSON of a type that has its own form, and returns it in the form that protobuf-es reads exactly. */
type Check = (json: JsonValue) => Checked<JsonValue>;

/** The checks of the types that have their own form in proto3 JSON. */
export const wellKnownTypes: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['google.protobuf.Timestamp', checkTimestamp],
  ['google.protobuf.Duration', checkDuration],
  ['google.protobuf.FieldMask', checkFieldMask],
  ['google.protobuf.Struct', (json) => checkFree(json, isObject(json), 'an object {…}')],
  ['google.protobuf.ListValue', (json) => checkFree(json, Array.isArray(json), 'a list […]')],
  ['google.protobuf.Value', (json) => checkFree(json, true, '')],
]);

/** Whether JSON is an object, and no list. */
export const isObject = (json: JsonValue): json is JsonObject =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const [MIN_TIME, MAX_TIME] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59Z')];

/** Also refuses dates that the calendar doesn't have: Date.parse reads some of them as other dates. */
function checkTimestamp(json: JsonValue): Checked<JsonValue> {
  const [, local, zone] = (typeof json === 'string' ? RFC3339.exec(json) : undefined) ?? [];
  const written = local === undefined ? Number.NaN : Date.parse(`${local}Z`);
  const exists = !Number.isNaN(written) && new Date(written).toISOString().startsWith(local ?? '');
  const time = Date.parse(`${local}${zone}`);
  if (exists && time >= MIN_TIME && time <= MAX_TIME) return { ok: true, value: json };
  return {
    ok: false,
    rule: 'a time by RFC 3339 in quotes, such as "2026-11-20T08:30:00Z", from year 1 to 9999 in UTC',
  };
}

const DURATION = /^([+-]?)(0|[1-9]\d{0,11})?(?:\.(\d{0,9}))?s$/;
/** Of whole seconds. Source: google/protobuf/duration.proto */
const MAX_DURATION_S = 315_576_000_000;

function checkDuration(json: JsonValue): Checked<JsonValue> {
  const [, sign, whole, fraction] = (typeof json === 'string' ? DURATION.exec(json) : undefined) ?? [];
  if ((whole ?? fraction) === undefined || Number(whole ?? 0) > MAX_DURATION_S) {
    return { ok: false, rule: `seconds with an s in quotes, such as "1.5s", up to ${MAX_DURATION_S}` };
  }
  return { ok: true, value: `${sign === '-' ? '-' : ''}${whole ?? 0}.${fraction || 0}s` };
}

const PATH = /^(?:\*|[A-Za-z][A-Za-z\d]*(?:\.[A-Za-z][A-Za-z\d]*)*)$/;

function checkFieldMask(json: JsonValue): Checked<JsonValue> {
  const text = typeof json === 'string' ? json.trim() : undefined;
  const fits = text === '' || text?.split(',').every((path) => PATH.test(path));
  return fits && text !== undefined
    ? { ok: true, value: text }
    : { ok: false, rule: 'field names in camelCase with commas, such as "displayName,state"' };
}

/** What is JSON itself: its numbers are doubles. */
function checkFree(json: JsonValue, fits: boolean, rule: string): Checked<JsonValue> {
  if (!fits) return { ok: false, rule };
  const value = withPlainNumbers(json);
  return hasFiniteNumbers(value)
    ? { ok: true, value }
    : { ok: false, rule: `JSON whose numbers are from ${-Number.MAX_VALUE} to ${Number.MAX_VALUE}` };
}

function hasFiniteNumbers(json: JsonValue): boolean {
  if (typeof json === 'object' && json !== null)
    return Object.values(json).every((member) => member === undefined || hasFiniteNumbers(member));
  return typeof json !== 'number' || Number.isFinite(json);
}
