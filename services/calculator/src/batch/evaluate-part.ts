import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { EvaluatePartResponse, type EvaluationError } from '@rondo/contracts/calculator/v1/calculator';
import type { ServerCall } from '@rondo/rpc/call';
import { type Clock, yieldToEventLoop } from '@rondo/rpc/clock';
import { type FieldViolation, invalidArgument, type RpcError } from '@rondo/rpc/status';
import { toDecimal } from '../decimal.js';
import { exactValue } from '../evaluate-request.js';
import { checkFormat, expressionsOf, MAX_PART, MAX_PART_BYTES, readRequest } from './encoded-request.js';

/** The tag of each result of an `EvaluatePartResponse`. */
const RESULT = (1 << 3) | WireType.LengthDelimited;

/**
 * Evaluates one part of a batch, and yields to the event loop regularly, as long as its caller waits. It reads from
 * the encoded request and writes to the encoded response, so that only one expression and one result exist besides
 * them. Otherwise thousands of small strings would live as long as their part and burden the garbage collector.
 *
 * @throws RpcError `INVALID_ARGUMENT` if the part as a whole is invalid; the reason for which the call has ended.
 */
export async function evaluatePart(
  bytes: Uint8Array,
  { context, yieldingLoop }: Pick<ServerCall, 'context'> & { readonly yieldingLoop: YieldingLoop },
): Promise<Uint8Array> {
  const request = readRequest(bytes);
  const format = checkFormat(request, { most: MAX_PART, remedy: 'send them in several parts, or as a batch' });
  checkSize(request.ends);
  const response = new BinaryWriter();
  const errors: EvaluationError[] = [];
  let index = request.firstIndex;
  const evaluateNext = (expression: string) => {
    const violations: FieldViolation[] = [];
    const value = exactValue({ field: `expressions[${index}]`, expression }, violations);
    response.uint32(RESULT).string(value === undefined ? '' : toDecimal(value, format));
    if (value === undefined) errors.push({ index, status: toStatusMessage(invalidArgument(violations)) });
    index += 1;
  };
  await yieldingLoop.each(expressionsOf(request), evaluateNext, () => context.throwIfEnded());
  return EvaluatePartResponse.encode({ results: [], errors }, response).finish();
}

function checkSize(ends: readonly number[]): void {
  const size = ends.at(-1) ?? 0;
  if (ends.length < 2 || size <= MAX_PART_BYTES) return;
  const description = `must have at most ${MAX_PART_BYTES} bytes together, have ${size}; send fewer`;
  throw invalidArgument([{ field: 'expressions', description }]);
}

function toStatusMessage({ code, message, details }: RpcError): EvaluationError['status'] {
  return { code, message, details: [...details] };
}

/** How long to compute before yielding, in milliseconds. If a process doesn't answer for longer, its peers soon treat it as frozen. */
const MAX_COMPUTE_MS = 5;

/** Long computations that yield to the event loop regularly, so that other calls are served in between. */
interface YieldingLoop {
  /**
   * Calls `step` for each of `items`, in order. After each 5 ms of computing it yields to the event loop. `check` runs
   * after each yield and may end the loop by throwing.
   */
  each<T>(items: Iterable<T>, step: (item: T) => void, check: () => void): Promise<void>;
}

/**
 * Creates a loop that all computations of a process share, so that no two of them compute in the same turn of the event
 * loop.
 */
export function createYieldingLoop(clock: Clock): YieldingLoop {
  let last: Promise<void> = Promise.resolve();
  const yieldTurn = () => {
    last = last.then(yieldToEventLoop);
    return last;
  };
  return {
    async each(items, step, check) {
      await yieldTurn();
      check();
      let until = clock.now() + MAX_COMPUTE_MS;
      for (const item of items) {
        if (clock.now() >= until) {
          await yieldTurn();
          check();
          until = clock.now() + MAX_COMPUTE_MS;
        }
        step(item);
      }
    },
  };
}
