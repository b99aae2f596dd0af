import { describe, expect, it } from '@jest/globals';
import { createExpressionBatches } from './calculator.js';

/** A calculator that replies when the test says so. `calls` records its calls. */
function slowCalculator(maxCharacters = 100) {
  const calls: { readonly expressions: readonly string[]; reply(failure?: Error): void }[] = [];
  const evaluate = (expressions: readonly string[]) =>
    new Promise<readonly Promise<string>[]>((resolve, reject) => {
      const values = () =>
        expressions.map((one) => (one === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(`=${one}`)));
      calls.push({ expressions, reply: (failure) => (failure === undefined ? resolve(values()) : reject(failure)) });
    });
  const tooMany = () => new Error('too many');
  return { calls, value: createExpressionBatches({ evaluate, maxCharacters, maxWaiting: 3, tooMany }) };
}

const nextIteration = () => new Promise((resolve) => setImmediate(resolve));

describe('expressions that are evaluated at the same time', () => {
  it('share a call; while two calls are in flight, further expressions share the next call', async () => {
    const { calls, value } = slowCalculator();
    const first = Promise.all([value('a'), value('b')]);
    await nextIteration();
    const second = value('c');
    await nextIteration();
    const third = Promise.all([value('d'), value('e')]);
    await nextIteration();
    expect(calls.map(({ expressions }) => expressions)).toEqual([['a', 'b'], ['c']]);
    calls[1]?.reply();
    await expect(second).resolves.toBe('=c');
    await nextIteration();
    expect(calls[2]?.expressions).toEqual(['d', 'e']);
    for (const { reply } of calls) reply();
    await expect(Promise.all([first, third])).resolves.toEqual([
      ['=a', '=b'],
      ['=d', '=e'],
    ]);
  });

  it('share a call if they arrive on several connections in one iteration of the event loop', async () => {
    const { calls, value } = slowCalculator();
    const values: Promise<string>[] = [];
    for (const one of ['a', 'b', 'c']) setImmediate(() => values.push(value(one)));
    await nextIteration();
    await nextIteration();
    expect(calls.map((call) => call.expressions)).toEqual([['a', 'b', 'c']]);
    calls[0]?.reply();
    await expect(Promise.all(values)).resolves.toEqual(['=a', '=b', '=c']);
  });

  it('fail one by one, or all together if their call fails', async () => {
    const { calls, value } = slowCalculator();
    const outcomes = Promise.allSettled([value('a'), value('bad')]);
    await nextIteration();
    calls[0]?.reply();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const lost = Promise.allSettled([value('a'), value('b')]);
    await nextIteration();
    calls[1]?.reply(new Error('away'));
    expect(await lost).toMatchObject([{ reason: { message: 'away' } }, { reason: { message: 'away' } }]);
  });

  it('are split by the size limit of a call, and refused if too many wait', async () => {
    const { calls, value } = slowCalculator(4);
    const all = Promise.allSettled([value('aaa'), value('bbbbbb'), value('c'), value('d')]);
    await nextIteration();
    expect(calls.map(({ expressions }) => expressions)).toEqual([['aaa'], ['bbbbbb']]);
    calls[0]?.reply();
    await nextIteration();
    expect(calls[2]?.expressions).toEqual(['c']);
    for (const { reply } of calls) reply();
    expect(await all).toMatchObject([
      { value: '=aaa' },
      { value: '=bbbbbb' },
      { value: '=c' },
      { reason: { message: 'too many' } },
    ]);
  });
});
