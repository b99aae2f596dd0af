import { type EvaluateRequest, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import { type DecimalFormat, MAX_SCALE, type Rational, type Rounding, toDecimal } from './decimal.js';
import { evaluate } from './expression/evaluate.js';
import { ExpressionError } from './expression/token.js';

const ROUNDINGS: ReadonlyMap<RoundingMode, Rounding> = new Map([
  [RoundingMode.ROUNDING_MODE_UNSPECIFIED, 'half-even'],
  [RoundingMode.ROUNDING_MODE_HALF_EVEN, 'half-even'],
  [RoundingMode.ROUNDING_MODE_HALF_UP, 'half-up'],
  [RoundingMode.ROUNDING_MODE_DOWN, 'down'],
  [RoundingMode.ROUNDING_MODE_UP, 'up'],
  [RoundingMode.ROUNDING_MODE_FLOOR, 'floor'],
  [RoundingMode.ROUNDING_MODE_CEILING, 'ceiling'],
]);

/**
 * Evaluates a request and returns the value in plain notation.
 *
 * @throws RpcError `INVALID_ARGUMENT` that lists every violation of the request.
 */
export function evaluateRequest({ expression, ...written }: EvaluateRequest): string {
  const violations: FieldViolation[] = [];
  const value = exactValue({ field: 'expression', expression }, violations);
  const format = readFormat(written, violations);
  if (value === undefined || format === undefined || violations.length > 0) throw invalidArgument(violations);
  return toDecimal(value, format);
}

/**
 * Reads the decimal format of a request. Returns undefined if it is invalid, after adding the reason to `violations`.
 */
export function readFormat(
  { scale, rounding: mode }: Pick<EvaluateRequest, 'scale' | 'rounding'>,
  violations: FieldViolation[],
): DecimalFormat | undefined {
  if (scale !== undefined && (scale < 0 || scale > MAX_SCALE)) {
    violations.push({ field: 'scale', description: `must be 0 to ${MAX_SCALE}, is ${scale}` });
  }
  const rounding = ROUNDINGS.get(mode);
  if (rounding === undefined) {
    violations.push({ field: 'rounding', description: `must be one of RoundingMode, 0 to 6, is ${mode}` });
  }
  return rounding && { scale, rounding };
}

/**
 * Evaluates the expression in `field`. Returns undefined if it has no value, after adding the reason to `violations`.
 */
export function exactValue(
  { field, expression }: { readonly field: string; readonly expression: string },
  violations: FieldViolation[],
): Rational | undefined {
  try {
    return evaluate(expression);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    violations.push({ field, description: error.message });
    return undefined;
  }
}
