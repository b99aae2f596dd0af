import type { JsonValue } from '@bufbuild/protobuf';
import { withPlainNumbers } from './parse.js';
import type { Checked } from './scalar.js';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const DURATION = /^-?\d+(?:\.\d{1,9})?s$/;
const MAX_DURATION_S = 315_576_000_000;

type Check = (json: JsonValue) => Checked;

/** The types that proto3 writes in a way of their own, and how each is checked. */
export const wellKnownTypes: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['google.protobuf.Timestamp', checkTimestamp],
  ['google.protobuf.Duration', checkDuration],
  ['google.protobuf.FieldMask', checkFieldMask],
  ['google.protobuf.Struct', checkStruct],
  ['google.protobuf.ListValue', checkList],
  ['google.protobuf.Value', (json) => ({ ok: true, value: withPlainNumbers(json) })],
]);

/** A date that the calendar doesn't have would otherwise be read as another. */
function checkTimestamp(json: JsonValue): Checked {
  const rule = 'a time by RFC 3339 in quotes, such as "2026-11-20T08:30:00Z"';
  const [, year, month, day, ...clock] = (typeof json === 'string' ? RFC3339.exec(json) : undefined) ?? [];
  if (year === undefined || typeof json !== 'string') return { ok: false, rule };
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const [hour = 0, minute = 0, second = 0] = clock.map(Number);
  const exists = date.getUTCMonth() === Number(month) - 1 && hour < 24 && minute < 60 && second < 60;
  return exists && !Number.isNaN(Date.parse(json)) ? { ok: true, value: json } : { ok: false, rule };
}

function checkDuration(json: JsonValue): Checked {
  const fits = typeof json === 'string' && DURATION.test(json) && Math.abs(Number.parseFloat(json)) <= MAX_DURATION_S;
  return fits ? { ok: true, value: json } : { ok: false, rule: 'seconds with an s in quotes, such as "1.5s"' };
}

function checkFieldMask(json: JsonValue): Checked {
  const fits = typeof json === 'string' && !json.includes('_');
  return fits ? { ok: true, value: json } : { ok: false, rule: 'field names with commas, such as "displayName,state"' };
}

function checkStruct(json: JsonValue): Checked {
  const fits = typeof json === 'object' && json !== null && !Array.isArray(json);
  return fits ? { ok: true, value: withPlainNumbers(json) } : { ok: false, rule: 'an object {…}' };
}

function checkList(json: JsonValue): Checked {
  return Array.isArray(json) ? { ok: true, value: withPlainNumbers(json) } : { ok: false, rule: 'a list […]' };
}
