/**
 * Single fields of encoded messages, for calls that are passed on without being decoded.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

/** The numbers of the fields that a method's policy names. */
export interface PolicyFields {
  /** The field of the request that is the call's key for ring hash. */
  readonly hashKey?: ScalarField;
  /** The numbers of the top-level fields that hold the token by which a broken stream resumes. */
  readonly resume?: { readonly request: number; readonly response: number };
  /** The number of the top-level field of the request that has the idempotency key. */
  readonly key?: number;
  /** The number of the top-level field of the request that names the resource, for the changes that end kept answers. */
  readonly cacheKey?: number;
}

/** A scalar field of a message, or of a message in it. */
export interface ScalarField {
  /** The field numbers that lead to it. */
  readonly path: readonly number[];
  /** `google.protobuf.FieldDescriptorProto.Type`, such as 9 for a string. */
  readonly type: number;
}

/** A scalar value as generated code has it. */
type Scalar = string | number | bigint | boolean | Uint8Array;

/** The wire types of numbers. */
export const VARINT = 0;
export const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** The bytes of the top-level field `number`, whose type is string, bytes or message; undefined if it is missing. */
export function readBytes(message: Uint8Array, number: number): Uint8Array | undefined {
  const value = lastOf(message, number);
  return value instanceof Uint8Array ? value : undefined;
}

/** The value of a scalar field; undefined if it is missing, or the bytes are no message with such a field. */
export function readScalar(message: Uint8Array, { path, type }: ScalarField): Scalar | undefined {
  let within: Uint8Array | undefined = message;
  for (const number of path.slice(0, -1)) within = within && readMessage(within, number);
  const raw = within && lastOf(within, path.at(-1) ?? 0);
  if (raw instanceof Uint8Array) return BYTES_TYPES.get(type)?.(raw);
  return raw === undefined ? undefined : NUMBER_TYPES.get(type)?.(raw);
}

/** The bytes of a message in a message: all its parts, if there are several. */
function readMessage(message: Uint8Array, number: number): Uint8Array | undefined {
  const bytes = Buffer.allocUnsafe(message.length);
  let length: number | undefined;
  for (const value of valuesOf(message, number)) {
    if (value === undefined) return undefined;
    if (!(value instanceof Uint8Array)) continue;
    bytes.set(value, length);
    length = (length ?? 0) + value.length;
  }
  return length === undefined ? undefined : bytes.subarray(0, length);
}

/** `message` with `value` in its top-level field `number`, a string or bytes. The last value of a field is the one that counts. */
export function withBytes(message: Uint8Array, number: number, value: Uint8Array): Uint8Array {
  const head = [...varint(number * 8 + BYTES), ...varint(value.length)];
  const result = Buffer.allocUnsafe(message.length + head.length + value.length);
  result.set(message);
  result.set(head, message.length);
  result.set(value, message.length + head.length);
  return result;
}

/** How each numeric type reads its 64 bits. */
const NUMBER_TYPES: ReadonlyMap<number, (bits: bigint) => Scalar> = new Map<number, (bits: bigint) => Scalar>([
  [1, (bits) => viewOf(bits).getFloat64(0)], // double
  [2, (bits) => viewOf(bits).getFloat32(4)], // float
  [3, (bits) => BigInt.asIntN(64, bits)], // int64
  [4, (bits) => bits], // uint64
  [5, (bits) => Number(BigInt.asIntN(32, bits))], // int32
  [6, (bits) => bits], // fixed64
  [7, (bits) => Number(bits)], // fixed32
  [8, (bits) => bits !== 0n], // bool
  [13, (bits) => Number(BigInt.asUintN(32, bits))], // uint32
  [14, (bits) => Number(BigInt.asIntN(32, bits))], // enum
  [15, (bits) => Number(BigInt.asIntN(32, bits))], // sfixed32
  [16, (bits) => BigInt.asIntN(64, bits)], // sfixed64
  [17, (bits) => Number(BigInt.asIntN(32, zigzag(BigInt.asUintN(32, bits))))], // sint32
  [18, (bits) => BigInt.asIntN(64, zigzag(bits))], // sint64
]);

const BYTES_TYPES: ReadonlyMap<number, (bytes: Uint8Array) => Scalar> = new Map<number, (bytes: Uint8Array) => Scalar>([
  [9, (bytes) => new TextDecoder().decode(bytes)], // string
  [12, (bytes) => bytes], // bytes
]);

function viewOf(bits: bigint): DataView {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view;
}

function zigzag(bits: bigint): bigint {
  return (bits >> 1n) ^ -(bits & 1n);
}

/** The last value of a top-level field. Undefined if it is missing or `message` is damaged. */
function lastOf(message: Uint8Array, number: number): Uint8Array | bigint | undefined {
  let last: Uint8Array | bigint | undefined;
  for (const value of valuesOf(message, number)) last = value;
  return last;
}

/** The values of a top-level field: the bytes of each, or the bits of its number. The last is undefined if `message` is damaged. */
function* valuesOf(message: Uint8Array, number: number): Generator<Uint8Array | bigint | undefined> {
  const reader = new Reader(message);
  while (!reader.ended) {
    const tag = Number(reader.varint());
    const value = reader.value(tag & 7);
    if (value === undefined || tag >>> 3 === number) yield value;
    if (value === undefined) return;
  }
}

/** Reads an encoded message from its start. A damaged one yields undefined values. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** At most ten bytes; a longer one reads as what the first ten hold. */
  varint(): bigint {
    let low = 0;
    let shift = 0;
    // Most are short, and numbers are faster than bigints.
    for (; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let bits = BigInt(low);
    for (; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      bits |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) break;
    }
    return BigInt.asUintN(64, bits);
  }

  /** The value of a field. Undefined if the message ends in it, or its wire type is a group's or unknown. */
  value(wireType: number): Uint8Array | bigint | undefined {
    switch (wireType) {
      case VARINT:
        return this.#whole(this.varint());
      case FIXED_64:
        return this.#fixed(8) ? this.#view.getBigUint64(this.#at - 8, true) : undefined;
      case FIXED_32:
        return this.#fixed(4) ? BigInt(this.#view.getUint32(this.#at - 4, true)) : undefined;
      case BYTES: {
        const length = Number(this.varint());
        return this.#fixed(length) ? this.#bytes.subarray(this.#at - length, this.#at) : undefined;
      }
      default:
        return undefined;
    }
  }

  #whole(value: bigint): bigint | undefined {
    return this.#at <= this.#bytes.length ? value : undefined;
  }

  #fixed(length: number): boolean {
    this.#at += length;
    return this.#at <= this.#bytes.length;
  }
}

/** The bytes of a number of at most 53 bits. */
export function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
