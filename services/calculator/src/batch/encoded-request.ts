import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { EvaluatePartRequest } from '@rondo/contracts/calculator/v1/calculator';
import { invalidArgument, RpcError } from '@rondo/rpc/status';

/** An encoded `EvaluatePartRequest`, or an `EvaluateBatchRequest`, which has the same fields but one. */
export interface EncodedRequest extends Omit<EvaluatePartRequest, 'expressions'> {
  readonly bytes: Uint8Array;
  /** Where each expression ends in `bytes`, in order. */
  readonly ends: readonly number[];
}

/** What precedes each field: its number, and its type on the wire. */
export const TAGS = {
  expressions: (1 << 3) | WireType.LengthDelimited,
  scale: (2 << 3) | WireType.Varint,
  rounding: (3 << 3) | WireType.Varint,
  first_index: (4 << 3) | WireType.Varint,
} as const;

/**
 * Reads what goes for all expressions of a request, and finds them without decoding them: most are passed on.
 *
 * @throws RpcError `INVALID_ARGUMENT` where the bytes are no such request.
 */
export function readRequest(bytes: Uint8Array): EncodedRequest {
  const ends: number[] = [];
  try {
    return { bytes, ends, ...readFields(new BinaryReader(bytes), ends) };
  } catch (error) {
    if (error instanceof RpcError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const description = `after ${ends.length} of them the request can't be read on (${reason}); send it as encoded`;
    throw invalidArgument([{ field: 'expressions', description }]);
  }
}

/** The expressions of a request that has been read, each decoded as it is asked for: none lives longer than its turn. */
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

/** Goes to the end of a text, and returns it. The reader's own `skip` would make an object for each. */
function passText(reader: BinaryReader): number {
  const length = reader.uint32();
  reader.pos += length;
  if (reader.pos > reader.len) throw new RangeError('premature EOF');
  return reader.pos;
}

/** Passes what a newer contract may have. @throws RpcError `INVALID_ARGUMENT` for a field of this one. */
function passUnknown(reader: BinaryReader, tag: number): void {
  const number = tag >>> 3;
  const type = tag & 7;
  for (const [field, known] of Object.entries(TAGS)) {
    if (number !== known >>> 3) continue;
    const description = `must have wire type ${known & 7}, has ${type}; send what the contract says`;
    throw invalidArgument([{ field, description }]);
  }
  reader.skip(type, number);
}
