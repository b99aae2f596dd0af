import { TypeOverrides } from 'pg';

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const DATE_ARRAY = 1182;
const NUMERIC_ARRAY = 1231;
const TEXT_ARRAY = 1009;

/**
 * How values are read: int8 as bigint, numeric and date as their text, so that nothing is rounded or moved by a time
 * zone; arrays likewise. The rest is the driver's default. Held by one pool, not by the driver's global table.
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

/** The driver's own; its published type takes the text for a number. */
function textArrayParser(): (text: string) => unknown {
  const parser: unknown = new TypeOverrides().getTypeParser(TEXT_ARRAY, 'text');
  if (typeof parser !== 'function') throw new TypeError('the driver has no parser for text[]');
  return (text) => parser(text);
}
