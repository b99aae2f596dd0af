import { TypeOverrides } from 'pg';
import { parse as parseArray } from 'postgres-array';
import parseDate from 'postgres-date';
import type { SqlValue } from './sql.js';

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const DATE_ARRAY = 1182;
const NUMERIC_ARRAY = 1231;
const TEXT_ARRAY = 1009;
const TIMESTAMPTZ = 1184;

/** Its published type is that of an ES module, which it isn't. */
const parseTime = parseDate as unknown as typeof parseDate.default;

/**
 * Type parsers of queries: int8 as bigint, numeric and date as text, so that no value is rounded or shifted by a time
 * zone; arrays likewise. Other types use the driver's defaults. The driver's global table stays unchanged.
 *
 * Arrays and times have later versions of the driver's own parsers: its version makes an object for each character of an array.
 */
export function createTypes(): TypeOverrides {
  const types = new TypeOverrides();
  types.setTypeParser(INT8, BigInt);
  types.setTypeParser(INT8_ARRAY, (text) => parseArray(text, BigInt));
  types.setTypeParser(DATE, (text) => text);
  for (const array of [DATE_ARRAY, NUMERIC_ARRAY, TEXT_ARRAY]) types.setTypeParser(array, (text) => parseArray(text));
  types.setTypeParser(TIMESTAMPTZ, (text) => parseTime(text));
  return types;
}

/**
 * A parameter without what the driver would shift: it writes a time by the offset of the process's time zone in minutes, and in years before
 * zones were in whole minutes, such as until 1893 in Berlin, an offset has seconds.
 */
export function exact(value: SqlValue): SqlValue {
  if (Array.isArray(value)) return value[0] instanceof Date ? value.map(exact) : value;
  const isShifted = value instanceof Date && value.getSeconds() !== value.getUTCSeconds() && value.getUTCFullYear() > 0;
  return isShifted ? value.toISOString() : value;
}
