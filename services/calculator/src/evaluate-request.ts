import { type EvaluateRequest, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { type FieldViolation, invalidArgument } from '@rondo/rpc/status';
import { MAX_SCALE, type Rational, type Rounding, toDecimal } from './decimal.js';
import { evaluate } from './expression/evaluate.js';
import { ExpressionError } from './expression/expression-error.js';

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
 * The value that a request asks for, in plain notation.
 *
 * @throws RpcError `INVALID_ARGUMENT` that lists every fault of the request.
 */
export function evaluateRequest({ expression, scale, rounding: mode }: EvaluateRequest): string {
  const violations: FieldViolation[] = [];
  const value = exactValue(expression, violations);
  if (scale !== undefined && (scale < 0 || scale > MAX_SCALE)) {
    violations.push({ field: 'scale', description: `must be 0 to ${MAX_SCALE}, is ${scale}` });
  }
  const rounding = ROUNDINGS.get(mode);
  if (rounding === undefined) {
    violations.push({ field: 'rounding', description: `must be one of RoundingMode, 0 to 6, is ${mode}` });
  }
  if (value === undefined || rounding === undefined || violations.length > 0) throw invalidArgument(violations);
  return toDecimal(value, { scale, rounding });
}

/** The value of `expression`; undefined where it has none, and then one more of `violations` says why. */
function exactValue(expression: string, violations: FieldViolation[]): Rational | undefined {
  try {
    return evaluate(expression);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    violations.push({ field: 'expression', description: error.message });
    return undefined;
  }
}
