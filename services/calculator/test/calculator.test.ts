import { afterAll, describe, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { CalculatorServiceDefinition, RoundingMode } from '@rondo/contracts/calculator/v1/calculator';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';

const MAX = 9223372036854775807n;
const MIN = -9223372036854775808n;

const emptyChannel = createChannel({ resolver: staticResolver([]) });
const channel = createTestChannel({
  services: createApp({ channel: emptyChannel, instanceId: 'calculator-1', clock: systemClock }).services,
});
const calculator = createClient(CalculatorServiceDefinition, { channel });
const published = createClient(CalculatorDefinition, { channel });

afterAll(() => {
  channel.close();
  emptyChannel.close();
});

async function* numbers(values: Iterable<bigint>) {
  for (const value of values) yield { value };
}

describe('calculator.v1.CalculatorService', () => {
  it('adds, subtracts and multiplies', async () => {
    expect(await calculator.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
    expect(await calculator.subtract({ a: 2n, b: 3n })).toEqual({ result: -1n });
    expect(await calculator.multiply({ a: -2n, b: 3n })).toEqual({ result: -6n });
  });

  it('divides', async () => {
    expect(await calculator.divide({ a: -7n, b: 2n })).toEqual({ quotient: -3n, remainder: -1n });
  });

  it('carries every digit of an int64', async () => {
    expect(await calculator.add({ a: 4611686018427387904n, b: 4611686018427387903n })).toEqual({ result: MAX });
    expect(await calculator.subtract({ a: MIN })).toEqual({ result: MIN });
  });

  it('answers OUT_OF_RANGE if a result exceeds int64', async () => {
    await expect(calculator.multiply({ a: MAX, b: 2n })).rejects.toMatchObject({
      code: Status.OUT_OF_RANGE,
      message: expect.stringContaining('9223372036854775807 * 2 is 18446744073709551614, outside int64'),
    });
    await expect(calculator.divide({ a: MIN, b: -1n })).rejects.toMatchObject({ code: Status.OUT_OF_RANGE });
  });

  it('answers INVALID_ARGUMENT to a division by zero, naming the field', async () => {
    const error = await calculator.divide({ a: 1n }).catch((fault) => fault);
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT });
    expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([{ field: 'b' }]);
  });

  it('evaluates', async () => {
    const expression = '19.99 * 3 * (1 - 0.15)';
    expect(await calculator.evaluate({ expression })).toEqual({ result: { value: '50.9745' } });
    const rounding = RoundingMode.ROUNDING_MODE_CEILING;
    expect(await calculator.evaluate({ expression, scale: 2, rounding })).toEqual({ result: { value: '50.98' } });
    expect(await calculator.evaluate({ expression, scale: 0 })).toEqual({ result: { value: '51' } });
  });

  it('reports where an expression is wrong, with all other violations', async () => {
    const error = await calculator.evaluate({ expression: '12 + * 3', scale: 31 }).catch((fault) => fault);
    expect(error).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      message: 'expression: column 6: expected a number, "(" or "-", found "*"; scale: must be 0 to 30, is 31',
    });
    expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([{ field: 'expression' }, { field: 'scale' }]);
  });

  it('sums a stream that exceeds int64 on the way', async () => {
    expect(await calculator.sum(numbers([MAX, MAX, MIN, MIN, 5n]))).toEqual({ result: 3n, count: 5n });
    expect(await calculator.sum(numbers([]))).toEqual({ result: 0n, count: 0n });
    await expect(calculator.sum(numbers([MAX, 1n]))).rejects.toMatchObject({ code: Status.OUT_OF_RANGE });
  });
});

describe('calculator.Calculator, the published contract', () => {
  it('adds', async () => {
    expect(await published.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
  });

  it('answers OUT_OF_RANGE if the sum exceeds int64', async () => {
    await expect(published.add({ a: MAX, b: 1n })).rejects.toMatchObject({ code: Status.OUT_OF_RANGE });
  });
});
