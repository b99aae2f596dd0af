import { createHash } from 'node:crypto';
import { type FieldRecord, numberBytes, readRecords, writeRecord } from './wire-records.js';

/**
 * The fields of a message type that can be encoded in several ways, by number:
 * - `key`: the idempotency key, which is left out;
 * - `implicit`: a scalar without presence; its zero means that it is missing;
 * - `packed`: numbers of one wire type, in one record or in many;
 * - `message`, `repeated`, `map`: messages of the type at this position of the shape. A map has no order.
 *
 * Records of other fields, known or not, stay as they are.
 */
type TypeShape = Readonly<Record<string, FieldShape>>;
type FieldShape = 'key' | 'implicit' | readonly ['packed' | 'message' | 'repeated' | 'map', number];

/** The message types of a request, the request's own first. */
export type RequestShape = readonly TypeShape[];

/** Reads the shape that the generator wrote. Without one, all fields stay as they are. */
export function readShape(json: Uint8Array | undefined): RequestShape {
  const parsed: unknown = json === undefined ? undefined : JSON.parse(Buffer.from(json).toString());
  return Array.isArray(parsed) ? parsed : [];
}

/** What is put in order: the types of its messages, how deep it is nested now, and how many bytes may yet be copied. */
interface Ordered {
  readonly shape: RequestShape;
  depth: number;
  left: number;
}

/** A message is copied for each message around it, and a record costs as much as so many bytes: more would stall all other calls. */
const MAX_COPIED = 32 * 1024 * 1024;
const RECORD_COST = 256;
const MAX_DEPTH = 100;
/** An entry of a map has a key and a value. One with more records than these, or that can't be read, is its own key. */
const MAX_ENTRY_RECORDS = 16;

/**
 * SHA-256 over the present fields of an encoded request, by number. It is the same for each encoding of a request: of
 * another language, with maps in another order, or by a version that doesn't know some of the fields. What is nested too deep,
 * or is too much, stays as it is.
 */
export function digestRequest(message: Uint8Array, shape: RequestShape): Uint8Array {
  return createHash('sha256')
    .update(canonical(message, { shape, depth: 0, left: MAX_COPIED }, 0))
    .digest();
}

/** The encoding with all fields in order. A message that can't be read stays as it is. */
function canonical(message: Uint8Array, within: Ordered, type: number): Uint8Array {
  const { shape, depth } = within;
  within.left -= message.length;
  const records = depth > MAX_DEPTH ? undefined : readRecords(message, within.left / RECORD_COST);
  if (records === undefined) return message;
  within.left -= records.length * RECORD_COST;
  within.depth += 1;
  const fields = new Map<number, FieldRecord[]>();
  for (const record of records) {
    const before = fields.get(record.number);
    if (before === undefined) fields.set(record.number, [record]);
    else before.push(record);
  }
  const known = shape[type] ?? {};
  const parts = [...fields]
    .sort(([a], [b]) => a - b)
    .flatMap(([number, all]) => inField(all, known[number], within).map(writeRecord));
  within.depth = depth;
  return Buffer.concat(parts);
}

function inField(
  records: readonly FieldRecord[],
  kind: FieldShape | undefined,
  within: Ordered,
): readonly FieldRecord[] {
  if (kind === undefined) return records;
  if (kind === 'key') return [];
  if (kind === 'implicit') return records.slice(-1).filter(({ value }) => !isZero(value));
  const [of, type] = kind;
  const [first] = records;
  if (first === undefined) return [];
  const { number } = first;
  switch (of) {
    case 'packed': {
      const bytes = Buffer.concat(records.map(toPacked));
      return bytes.length === 0 ? [] : [{ number, wireType: 2, value: bytes }];
    }
    case 'message':
      // Several records of one message are its parts.
      return [{ number, wireType: 2, value: canonical(Buffer.concat(records.map(bytesOf)), within, type) }];
    case 'repeated':
      return records.map((record) => ({ number, wireType: 2, value: canonical(bytesOf(record), within, type) }));
    case 'map':
      return inMap(records.map((record) => canonical(bytesOf(record), within, type))).map((value) => {
        return { number, wireType: 2, value };
      });
  }
}

/** The entries of a map in the order of their keys. Of entries with one key, the last counts. */
function inMap(entries: readonly Uint8Array[]): readonly Uint8Array[] {
  const byKey = new Map<string, Uint8Array>();
  for (const entry of entries) {
    const records = readRecords(entry, MAX_ENTRY_RECORDS);
    const key = records?.filter(({ number }) => number === 1).map(writeRecord) ?? [entry];
    byKey.set(Buffer.concat(key).toString('latin1'), entry);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

const NOTHING = new Uint8Array();

const bytesOf = ({ value }: FieldRecord): Uint8Array => (value instanceof Uint8Array ? value : NOTHING);

const isZero = (value: FieldRecord['value']): boolean =>
  value instanceof Uint8Array ? value.length === 0 : value === 0n;

/** A record with many numbers, or a single one without its tag. */
const toPacked = ({ wireType, value }: FieldRecord): Uint8Array =>
  value instanceof Uint8Array ? value : Buffer.from(numberBytes(wireType, value));
