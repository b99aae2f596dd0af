import { invalidArgument, RpcError, Status } from '@rondo/rpc/status';

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** `a + b`. @throws RpcError `OUT_OF_RANGE` if the result exceeds int64. */
export function add(a: bigint, b: bigint): bigint {
  return inRange(a + b, `${a} + ${operand(b)}`);
}

/** `a - b`. @throws RpcError `OUT_OF_RANGE` if the result exceeds int64. */
export function subtract(a: bigint, b: bigint): bigint {
  return inRange(a - b, `${a} - ${operand(b)}`);
}

/** `a * b`. @throws RpcError `OUT_OF_RANGE` if the result exceeds int64. */
export function multiply(a: bigint, b: bigint): bigint {
  return inRange(a * b, `${a} * ${operand(b)}`);
}

/** The result of a division: `a = b * quotient + remainder`. */
export interface Division {
  /** Truncated toward zero. */
  readonly quotient: bigint;
  /** With the sign of `a`. */
  readonly remainder: bigint;
}

/**
 * `a / b`, truncated toward zero, with the remainder.
 *
 * @throws RpcError `INVALID_ARGUMENT` if `b` is 0; `OUT_OF_RANGE` for the smallest int64 divided by -1, the one
 *   quotient that exceeds int64.
 */
export function divide(a: bigint, b: bigint): Division {
  if (b === 0n) throw invalidArgument([{ field: 'b', description: 'must not be 0; give a divisor other than 0' }]);
  return { quotient: inRange(a / b, `${a} / ${operand(b)}`), remainder: a % b };
}

/** A sum, and the number of its summands. */
export interface Total {
  readonly result: bigint;
  readonly count: bigint;
}

/**
 * The sum of `values`, in constant memory. An intermediate sum may exceed int64; the final one may not.
 *
 * @throws RpcError `OUT_OF_RANGE` if the final sum exceeds int64.
 */
export async function sum(values: AsyncIterable<bigint>): Promise<Total> {
  let result = 0n;
  let count = 0n;
  for await (const value of values) {
    result += value;
    count += 1n;
  }
  return { result: inRange(result, `the sum of ${count} numbers`), count };
}

function inRange(value: bigint, operation: string): bigint {
  if (value >= MIN && value <= MAX) return value;
  throw new RpcError(
    Status.OUT_OF_RANGE,
    `${operation} is ${value}, outside int64 (${MIN} to ${MAX}); ` +
      'use calculator.v1.CalculatorService/Evaluate for larger numbers',
  );
}

function operand(value: bigint): string {
  return value < 0n ? `(${value})` : `${value}`;
}
