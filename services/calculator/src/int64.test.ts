import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { RpcError, Status } from '@rondo/rpc/status';
import { add, divide, multiply, subtract, sum } from './int64.js';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const MAX = 9223372036854775807n;
const MIN = -9223372036854775808n;

function failureOf(run: () => unknown): RpcError {
  try {
    run();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('add, subtract and multiply', () => {
  it('are exact where a double is not', () => {
    expect(add(4611686018427387904n, 4611686018427387903n)).toBe(MAX);
    expect(subtract(-1n, MAX)).toBe(MIN);
    expect(multiply(3037000499n, 3037000499n)).toBe(9223372030926249001n);
  });

  it.each([
    ['9223372036854775807 + 1 is 9223372036854775808', () => add(MAX, 1n)],
    ['-9223372036854775808 + (-1) is -9223372036854775809', () => add(MIN, -1n)],
    ['-9223372036854775808 - 1 is -9223372036854775809', () => subtract(MIN, 1n)],
    ['0 - (-9223372036854775808) is 9223372036854775808', () => subtract(0n, MIN)],
    ['-9223372036854775808 * (-1) is 9223372036854775808', () => multiply(MIN, -1n)],
    ['4294967296 * 4294967296 is 18446744073709551616', () => multiply(2n ** 32n, 2n ** 32n)],
  ])('refuse results outside int64: %s', (operation, run) => {
    const error = failureOf(run);
    expect(error.code).toBe(Status.OUT_OF_RANGE);
    expect(error.message).toBe(
      `${operation}, outside int64 (-9223372036854775808 to 9223372036854775807); ` +
        'use calculator.v1.CalculatorService/Evaluate for larger numbers',
    );
  });
});

describe('divide', () => {
  it.each([
    [7n, 2n, 3n, 1n],
    [-7n, 2n, -3n, -1n],
    [7n, -2n, -3n, 1n],
    [-7n, -2n, 3n, -1n],
    [MIN, 1n, MIN, 0n],
    [MAX, MIN, 0n, MAX],
    [0n, -5n, 0n, 0n],
  ])('%s / %s truncates toward zero, and the remainder has the sign of a', (...[a, b, quotient, remainder]) => {
    expect(divide(a, b)).toEqual({ quotient, remainder });
  });

  it('refuses the one quotient outside int64', () => {
    const error = failureOf(() => divide(MIN, -1n));
    expect(error.code).toBe(Status.OUT_OF_RANGE);
    expect(error.message).toContain('-9223372036854775808 / (-1) is 9223372036854775808, outside int64');
  });
});

describe('sum', () => {
  async function* stream(values: Iterable<bigint>) {
    yield* values;
  }

  it('may not exceed it in the end', async () => {
    await expect(sum(stream([MAX, 1n]))).rejects.toMatchObject({
      code: Status.OUT_OF_RANGE,
      message: expect.stringContaining('the sum of 2 numbers is 9223372036854775808, outside int64'),
    });
  });

  it('uses constant memory, however long the stream is', async () => {
    const count = 100_000;
    let grownBytes = 0;
    async function* long() {
      const before = usedBytes();
      for (let value = 0n; value < count; value++) yield 2n ** 40n + value;
      grownBytes = usedBytes() - before;
    }
    expect((await sum(long())).count).toBe(BigInt(count));
    expect(grownBytes).toBeLessThan(2 * count); // holding a reference to each alone would take four times that
  });

  function usedBytes(): number {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  }
});
