import { describe, expect, it } from '@jest/globals';
import { EvaluateRequest, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, Status } from '@rondo/rpc/status';
import { evaluateRequest } from './evaluate-request.js';

function request(partial: Partial<EvaluateRequest>): EvaluateRequest {
  return EvaluateRequest.fromPartial({ expression: '1', ...partial });
}

/** A mode of a newer contract. */
const unknownMode: number = 7;

function violationsOf(partial: Partial<EvaluateRequest>): string[] {
  try {
    evaluateRequest(request(partial));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    expect(error.code).toBe(Status.INVALID_ARGUMENT);
    const violations = error.detail(BadRequest)?.fieldViolations ?? [];
    return violations.map(({ field, description }) => `${field}: ${description}`);
  }
  return [];
}

describe('evaluateRequest', () => {
  it('gives zero no sign', () => {
    expect(evaluateRequest(request({ expression: '-0.001', scale: 2 }))).toBe('0.00');
    expect(evaluateRequest(request({ expression: '0 * -1' }))).toBe('0');
  });

  it('takes a scale of 0 to 30', () => {
    expect(evaluateRequest(request({ scale: 0 }))).toBe('1');
    expect(evaluateRequest(request({ scale: 30 }))).toBe(`1.${'0'.repeat(30)}`);
    expect(violationsOf({ scale: -1 })).toEqual(['scale: must be 0 to 30, is -1']);
    expect(violationsOf({ scale: 31 })).toEqual(['scale: must be 0 to 30, is 31']);
  });

  it('refuses a rounding mode that it does not know', () => {
    expect(violationsOf({ rounding: unknownMode })).toEqual(['rounding: must be one of RoundingMode, 0 to 6, is 7']);
    expect(violationsOf({ rounding: RoundingMode.UNRECOGNIZED })).toHaveLength(1);
  });

  it('reports where an expression is wrong', () => {
    const description = 'column 6: expected a number, "(" or "-", found "*"';
    expect(violationsOf({ expression: '12 + * 3' })).toEqual([`expression: ${description}`]);
  });

  it('lists all violations at once', () => {
    const faults = violationsOf({ expression: '1 / 0', scale: 99, rounding: unknownMode });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['expression', 'scale', 'rounding']);
  });
});

// An independent arithmetic to compare with: unreduced fractions of bigints, and rounding from the floor up, while the
// code rounds from zero outwards.

interface Exact {
  readonly n: bigint;
  /** Greater than zero. */
  readonly d: bigint;
}

interface Case {
  readonly text: string;
  /** Undefined if the expression divides by zero. */
  readonly value: Exact | undefined;
}

/** Uniform integers below `limit` from a seed, by mulberry32. */
type Below = (limit: number) => number;

function seeded(seed: number): Below {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function randomNumber(below: Below): Case {
  const whole = below(4) === 0 ? '' : String(below(10 ** (1 + below(6))));
  const digits = whole === '' ? 1 + below(6) : below(6);
  const fraction = Array.from({ length: digits }, () => below(10)).join('');
  const text = digits === 0 ? whole : `${whole}.${fraction}`;
  return { text, value: { n: BigInt(whole + fraction), d: 10n ** BigInt(digits) } };
}

/** A random expression with its known value; `strength` is the precedence of its context. */
function randomExpression(below: Below, depth: number, strength = 0): Case {
  const space = [' ', '', '  ', '\t'][below(4)] ?? '';
  const kind = depth === 0 ? 0 : below(6);
  if (kind === 0) return randomNumber(below);
  if (kind === 1) {
    const operand = randomExpression(below, depth - 1, 3);
    return { text: `-${space}${operand.text}`, value: operand.value && { n: -operand.value.n, d: operand.value.d } };
  }
  const operator = ['+', '-', '*', '/'][kind - 2] ?? '+';
  const own = kind < 4 ? 1 : 2;
  const left = randomExpression(below, depth - 1, own);
  const right = randomExpression(below, depth - 1, own + 1); // the same precedence on the right needs parentheses
  const text = `${left.text}${space}${operator}${space}${right.text}`;
  const value = left.value && right.value && applied(operator, left.value, right.value);
  return own < strength ? { text: `(${space}${text})`, value } : { text, value };
}

function applied(operator: string, left: Exact, right: Exact): Exact | undefined {
  const d = left.d * right.d;
  if (operator === '+') return { n: left.n * right.d + right.n * left.d, d };
  if (operator === '-') return { n: left.n * right.d - right.n * left.d, d };
  if (operator === '*') return { n: left.n * right.n, d };
  if (right.n === 0n) return undefined;
  const sign = right.n < 0n ? -1n : 1n;
  return { n: sign * left.n * right.d, d: sign * right.n * left.d };
}

function floor({ n, d }: Exact): bigint {
  const quotient = n / d;
  return n % d < 0n ? quotient - 1n : quotient;
}

/** `value` in units of its last digit. */
function rounded({ n, d }: Exact, scale: number, mode: RoundingMode): bigint {
  const scaled = { n: n * 10n ** BigInt(scale), d };
  const low = floor(scaled);
  if (low * d === scaled.n) return low;
  const high = low + 1n;
  const [inward, outward] = n < 0n ? [high, low] : [low, high];
  const twiceAboveLow = 2n * (scaled.n - low * d);
  const nearest = twiceAboveLow < d ? low : high;
  switch (mode) {
    case RoundingMode.ROUNDING_MODE_FLOOR:
      return low;
    case RoundingMode.ROUNDING_MODE_CEILING:
      return high;
    case RoundingMode.ROUNDING_MODE_DOWN:
      return inward;
    case RoundingMode.ROUNDING_MODE_UP:
      return outward;
    case RoundingMode.ROUNDING_MODE_HALF_UP:
      return twiceAboveLow === d ? outward : nearest;
    default:
      return twiceAboveLow === d ? low + (low & 1n) : nearest;
  }
}

function parsed(decimal: string): Exact {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal);
  if (match === null) throw new Error(`${decimal} is not in plain notation`);
  const [, sign = '', whole = '', fraction = ''] = match;
  return { n: BigInt(whole + fraction) * (sign === '-' ? -1n : 1n), d: 10n ** BigInt(fraction.length) };
}

const MODES = [0, 1, 2, 3, 4, 5, 6];

describe.each([1, 2, 3])('random expressions of seed %s', (seed) => {
  const below = seeded(seed);
  const cases = Array.from({ length: 700 }, () => randomExpression(below, 1 + below(5)));

  it('are not trivial', () => {
    expect(cases.filter(({ text }) => text.length > 40).length).toBeGreaterThan(100);
    expect(cases.filter(({ value }) => value === undefined).length).toBeGreaterThan(0);
  });

  it('have the exact value, rounded once', () => {
    for (const { text, value } of cases) {
      const scale = below(8);
      const rounding = MODES[below(MODES.length)] ?? 0;
      const result = () => evaluateRequest({ expression: text, scale, rounding });
      if (value === undefined) {
        expect(result).toThrow('division by zero');
        continue;
      }
      const actual = result();
      const expected = rounded(value, scale, rounding);
      expect({ text, scale, rounding, units: parsed(actual).n }).toEqual({ text, scale, rounding, units: expected });
      expect(actual.split('.')[1]?.length ?? 0).toBe(scale);
    }
  });

  it('are not rounded if the value has an end and no scale was requested', () => {
    for (const { text, value } of cases) {
      if (value === undefined) continue;
      const { n, d } = parsed(evaluateRequest({ expression: text, rounding: 0 }));
      const exact = n * value.d === value.n * d;
      const hasEnd = (value.n * 10n ** BigInt(value.d.toString(2).length)) % value.d === 0n;
      expect({ text, exact }).toEqual({ text, exact: hasEnd });
      if (!hasEnd) expect({ text, n }).toEqual({ text, n: rounded(value, 30, 0) });
    }
  });
});
