/** The records of an encoded message. Source: https://protobuf.dev/programming-guides/encoding/ */
import { FIXED_64, Reader, VARINT, varint } from './wire-fields.js';

/** One record: a tag and its value. */
export interface FieldRecord {
  readonly number: number;
  readonly wireType: number;
  /** The bytes, or the bits of a number. */
  readonly value: Uint8Array | bigint;
}

/** The top-level records of a message; undefined if it is damaged, or has groups or more than `most` records. */
export function readRecords(message: Uint8Array, most = Number.POSITIVE_INFINITY): readonly FieldRecord[] | undefined {
  const reader = new Reader(message);
  const records: FieldRecord[] = [];
  while (!reader.ended) {
    const tag = Number(reader.varint());
    const value = reader.value(tag & 7);
    if (value === undefined || records.length >= most) return undefined;
    records.push({ number: tag >>> 3, wireType: tag & 7, value });
  }
  return records;
}

/** Encodes a record. */
export function writeRecord({ number, wireType, value }: FieldRecord): Uint8Array {
  const tag = varint(number * 8 + wireType);
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from([...tag, ...varint(value.length)]), value]);
  return Buffer.from([...tag, ...numberBytes(wireType, value)]);
}

/** The bytes of a number, without a tag. */
export function numberBytes(wireType: number, bits: bigint): readonly number[] {
  if (wireType === VARINT) return bigVarint(bits);
  const size = wireType === FIXED_64 ? 8 : 4;
  return Array.from({ length: size }, (_, index) => Number((bits >> BigInt(8 * index)) & 0xffn));
}

function bigVarint(bits: bigint): readonly number[] {
  const bytes: number[] = [];
  for (let rest = bits; ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
