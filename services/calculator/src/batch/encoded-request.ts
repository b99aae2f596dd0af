import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { EvaluatePartRequest } from '@rondo/contracts/calculator/v1/calculator';
import { type FieldViolation, invalidArgument, RpcError } from '@rondo/rpc/status';
import type { DecimalFormat } from '../decimal.js';
import { readFormat } from '../evaluate-request.js';

/** An encoded `EvaluatePartRequest`, or an `EvaluateBatchRequest`, which has the same fields except `first_index`. */
export interface EncodedRequest extends Omit<EvaluatePartRequest, 'expressions'> {
  readonly bytes: Uint8Array;
  /** The offset in `bytes` at which each expression ends, in order. */
  readonly ends: readonly number[];
}

/** The tag of each field: its number and its wire type. */
export const TAGS = {
  expressions: (1 << 3) | WireType.LengthDelimited,
  scale: (2 << 3) | WireType.Varint,
  rounding: (3 << 3) | WireType.Varint,
  first_index: (4 << 3) | WireType.Varint,
} as const;

/**
 * Reads the fields that apply to all expressions, and finds the expressions without decoding them, because most are
 * passed on.
 *
 * @throws RpcError `INVALID_ARGUMENT` if the bytes aren't such a request.
 */
export function readRequest(bytes: Uint8Array): EncodedRequest {
  const ends: number[] = [];
  try {
    return { bytes, ends, ...readFields(new BinaryReader(bytes), ends) };
  } catch (error) {
    if (error instanceof RpcError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const description = `after ${ends.length} of them the request can't be parsed (${reason}); send it as encoded`;
    throw invalidArgument([{ field: 'expressions', description }]);
  }
}

/**
 * Decodes the expressions of a request one at a time, as the caller pulls them, so that none stays in memory longer
 * than needed.
 */
export function* expressionsOf({ bytes }: EncodedRequest): Generator<string, void> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === TAGS.expressions) yield reader.string();
    else reader.skip(tag & 7, tag >>> 3);
  }
}

function readFields(reader: BinaryReader, ends: number[]): Omit<EncodedRequest, 'bytes' | 'ends'> {
  let scale: number | undefined;
  let rounding = 0;
  let firstIndex = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === TAGS.expressions) ends.push(passText(reader));
    else if (tag === TAGS.scale) scale = reader.int32();
    else if (tag === TAGS.rounding) rounding = reader.int32();
    else if (tag === TAGS.first_index) firstIndex = reader.int32();
    else passUnknown(reader, tag);
  }
  return { scale, rounding, firstIndex };
}

/** Moves to the end of a text and returns its offset. The reader's own `skip` would create an object for each text. */
function passText(reader: BinaryReader): number {
  const length = reader.uint32();
  reader.pos += length;
  if (reader.pos > reader.len) throw new RangeError('premature EOF');
  return reader.pos;
}

/**
 * Skips a field of a newer contract.
 *
 * @throws RpcError `INVALID_ARGUMENT` for a known field with another wire type.
 */
function passUnknown(reader: BinaryReader, tag: number): void {
  const number = tag >>> 3;
  const type = tag & 7;
  for (const [field, known] of Object.entries(TAGS)) {
    if (number !== known >>> 3) continue;
    const description = `must have wire type ${known & 7}, has ${type}; send it as the contract says`;
    throw invalidArgument([{ field, description }]);
  }
  reader.skip(type, number);
}

/** The maximum number of expressions in a batch. */
export const MAX_BATCH = 100_000;

/** The maximum number of expressions in a part: few enough that little work is lost with an instance. */
export const MAX_PART = 5_000;

/**
 * The maximum size of several encoded expressions of a part. The most expensive expressions of that size take a few
 * seconds.
 */
export const MAX_PART_BYTES = 128 * 1024;

/**
 * Reads the decimal format of a batch or a part.
 *
 * @throws RpcError `INVALID_ARGUMENT` that lists all violations.
 */
export function checkFormat(
  { ends, scale, rounding }: EncodedRequest,
  { most, remedy }: { readonly most: number; readonly remedy: string },
): DecimalFormat {
  const violations: FieldViolation[] = [];
  if (ends.length > most) {
    violations.push({ field: 'expressions', description: `must be at most ${most}, are ${ends.length}; ${remedy}` });
  }
  const format = readFormat({ scale, rounding }, violations);
  if (format === undefined || violations.length > 0) throw invalidArgument(violations);
  return format;
}
