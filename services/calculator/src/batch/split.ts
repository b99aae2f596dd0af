import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type EncodedRequest, TAGS } from './encoded-request.js';
import { MAX_PART, MAX_PART_BYTES } from './limits.js';

/** Into so many parts a batch goes at least, so that several instances have some to do, */
const PARTS = 24;
/** but none is smaller than this: what a call costs would show. */
const MIN_PART = 100;

/** A piece of a batch's bytes that holds whole expressions. */
export interface Piece {
  /** The place in the batch of the first. */
  readonly firstIndex: number;
  readonly start: number;
  readonly end: number;
}

/** Splits a batch into pieces, in order, as they are asked for. */
export function* split({ ends }: EncodedRequest): Generator<Piece, void> {
  const most = Math.min(MAX_PART, Math.max(MIN_PART, Math.ceil(ends.length / PARTS)));
  let start = 0;
  for (let firstIndex = 0; firstIndex < ends.length; ) {
    const last = lastOf(ends, { firstIndex, start, most });
    const end = ends[last] ?? start;
    yield { firstIndex, start, end };
    firstIndex = last + 1;
    start = end;
  }
}

interface From {
  readonly firstIndex: number;
  readonly start: number;
  readonly most: number;
}

/** The last expression that goes with the first: that itself, at least. */
function lastOf(ends: readonly number[], { firstIndex, start, most }: From): number {
  let last = firstIndex;
  while (last + 1 < firstIndex + most && (ends[last + 1] ?? Number.POSITIVE_INFINITY) - start <= MAX_PART_BYTES) {
    last += 1;
  }
  return last;
}

/**
 * The encoded `EvaluatePartRequest` for a piece of a batch. How results are written stands after the expressions, and is
 * said even where it is what goes without saying: of a field that is there several times the last counts, and the piece
 * may hold others.
 */
export function toPartRequest(
  { bytes, scale, rounding }: EncodedRequest,
  { firstIndex, start, end }: Piece,
): Uint8Array {
  const rest = new BinaryWriter();
  if (scale !== undefined) rest.uint32(TAGS.scale).int32(scale);
  rest.uint32(TAGS.rounding).int32(rounding).uint32(TAGS.first_index).int32(firstIndex);
  return Buffer.concat([bytes.subarray(start, end), rest.finish()]);
}

/** The requests for all pieces of a batch, in order, as they are asked for. */
export function* partRequests(batch: EncodedRequest): Generator<Uint8Array, void> {
  for (const piece of split(batch)) yield toPartRequest(batch, piece);
}
