import { describe, expect, it } from '@jest/globals';
import { EvaluateRequest, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, Status } from '@rondo/rpc/status';
import { evaluateRequest } from './evaluate-request.js';

function request(partial: Partial<EvaluateRequest>): EvaluateRequest {
  return EvaluateRequest.fromPartial({ expression: '1', ...partial });
}

/** Of a contract that is newer than ours. */
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
  it('prices three items at a discount', () => {
    const expression = '19.99 * 3 * (1 - 0.15)';
    expect(evaluateRequest(request({ expression }))).toBe('50.9745');
    expect(evaluateRequest(request({ expression, scale: 2 }))).toBe('50.97');
  });

  it('rounds once, at the end', () => {
    expect(evaluateRequest(request({ expression: '0.005 + 0.005', scale: 2 }))).toBe('0.01');
    expect(evaluateRequest(request({ expression: '1 / 3 * 3' }))).toBe('1');
  });

  it.each([
    [RoundingMode.ROUNDING_MODE_UNSPECIFIED, '2', '-2'],
    [RoundingMode.ROUNDING_MODE_HALF_EVEN, '2', '-2'],
    [RoundingMode.ROUNDING_MODE_HALF_UP, '3', '-3'],
    [RoundingMode.ROUNDING_MODE_DOWN, '2', '-2'],
    [RoundingMode.ROUNDING_MODE_UP, '3', '-3'],
    [RoundingMode.ROUNDING_MODE_FLOOR, '2', '-3'],
    [RoundingMode.ROUNDING_MODE_CEILING, '3', '-2'],
  ])('reads rounding mode %s as its contract has it', (rounding, positive, negative) => {
    expect(evaluateRequest(request({ expression: '2.5', scale: 0, rounding }))).toBe(positive);
    expect(evaluateRequest(request({ expression: '-2.5', scale: 0, rounding }))).toBe(negative);
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

  it('says where an expression is wrong', () => {
    const description = 'column 6: expected a number, "(" or "-", found "*"';
    expect(violationsOf({ expression: '12 + * 3' })).toEqual([`expression: ${description}`]);
  });

  it('lists every fault at once', () => {
    const faults = violationsOf({ expression: '1 / 0', scale: 99, rounding: unknownMode });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual(['expression', 'scale', 'rounding']);
  });
});
