import { TypeOverrides } from 'pg';

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const DATE_ARRAY = 1182;
const NUMERIC_ARRAY = 1231;
const TEXT_ARRAY = 1009;

/**
 * Type parsers of one pool: int8 as bigint, numeric and date as text, so that no value is rounded or shifted by a time
 * zone; arrays likewise. Other types use the driver's defaults. The driver's global table stays unchanged.
 */
export function createTypes(): TypeOverrides {
  const types = new TypeOverrides();
  const textArray = textArrayParser();
  types.setTypeParser(INT8, BigInt);
  types.setTypeParser(INT8_ARRAY, (text) => toBigInts(textArray(text)));
  types.setTypeParser(DATE, (text) => text);
  types.setTypeParser(DATE_ARRAY, textArray);
  types.setTypeParser(NUMERIC_ARRAY, textArray);
  return types;
}

/** Arrays may be nested and hold nulls. */
function toBigInts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toBigInts);
  return typeof value === 'string' ? BigInt(value) : value;
}

/** The driver's own parser; its published type is wrong. */
function textArrayParser(): (text: string) => unknown {
  const parser: unknown = new TypeOverrides().getTypeParser(TEXT_ARRAY, 'text');
  if (typeof parser !== 'function') throw new TypeError('the driver has no parser for text[]');
  return (text) => parser(text);
}
