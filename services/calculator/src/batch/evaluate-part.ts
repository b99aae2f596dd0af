import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { EvaluatePartResponse, type EvaluationError } from '@rondo/contracts/calculator/v1/calculator';
import type { ServerCall } from '@rondo/rpc/call';
import { type FieldViolation, invalidArgument, type RpcError } from '@rondo/rpc/status';
import { toDecimal } from '../decimal.js';
import { exactValue } from '../evaluate-request.js';
import { expressionsOf, readRequest } from './encoded-request.js';
import { checked, MAX_PART, MAX_PART_BYTES } from './limits.js';
import type { Turns } from './turns.js';

/** What precedes each of the results of an `EvaluatePartResponse`. */
const RESULT = (1 << 3) | WireType.LengthDelimited;

/**
 * Evaluates one part of a batch, a stretch at a time, for as long as its caller waits: from an encoded
 * `EvaluatePartRequest` to an encoded `EvaluatePartResponse`, so that there is never more than one expression and one
 * result beside them. Thousands of small texts that live as long as their part are a burden for whoever collects them.
 *
 * @throws RpcError `INVALID_ARGUMENT` for what is wrong with the part as a whole; why the call has ended.
 */
export async function evaluatePart(
  bytes: Uint8Array,
  { limit, turns }: Pick<ServerCall, 'limit'> & { readonly turns: Turns },
): Promise<Uint8Array> {
  const request = readRequest(bytes);
  const format = checked(request, { most: MAX_PART, remedy: 'send them in several parts, or as a batch' });
  checkSize(request.ends);
  const response = new BinaryWriter();
  const errors: EvaluationError[] = [];
  let index = request.firstIndex;
  const evaluateNext = (expression: string) => {
    const violations: FieldViolation[] = [];
    const value = exactValue({ field: `expressions[${index}]`, expression }, violations);
    response.uint32(RESULT).string(value === undefined ? '' : toDecimal(value, format));
    if (value === undefined) errors.push({ index, status: toStatus(invalidArgument(violations)) });
    index += 1;
  };
  await turns.each(expressionsOf(request), evaluateNext, () => limit.throwIfEnded());
  return EvaluatePartResponse.encode({ results: [], errors }, response).finish();
}

function checkSize(ends: readonly number[]): void {
  const size = ends.at(-1) ?? 0;
  if (ends.length < 2 || size <= MAX_PART_BYTES) return;
  const description = `must have at most ${MAX_PART_BYTES} bytes together, have ${size}; send fewer`;
  throw invalidArgument([{ field: 'expressions', description }]);
}

function toStatus({ code, message, details }: RpcError): EvaluationError['status'] {
  return { code, message, details: [...details] };
}
