import { describe, expect, it } from '@jest/globals';
import { createExpressionBatches } from './calculator.js';

/** A calculator that answers when it is told to; what it was asked stands in `calls`. */
function slowCalculator(maxCharacters = 100) {
  const calls: { readonly asked: readonly string[]; answer(outcome?: Error): void }[] = [];
  const evaluate = (asked: readonly string[]) =>
    new Promise<readonly Promise<string>[]>((resolve, reject) => {
      const values = () =>
        asked.map((one) => (one === 'bad' ? Promise.reject(new Error('bad')) : Promise.resolve(`=${one}`)));
      calls.push({ asked, answer: (outcome) => (outcome === undefined ? resolve(values()) : reject(outcome)) });
    });
  const tooMany = () => new Error('too many');
  return { calls, value: createExpressionBatches({ evaluate, maxCharacters, maxWaiting: 3, tooMany }) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('expressions that are asked for at the same time', () => {
  it('share a call; those that come while two are under way share the next', async () => {
    const { calls, value } = slowCalculator();
    const first = Promise.all([value('a'), value('b')]);
    await turn();
    const second = value('c');
    await turn();
    const third = Promise.all([value('d'), value('e')]);
    await turn();
    expect(calls.map(({ asked }) => asked)).toEqual([['a', 'b'], ['c']]);
    calls[1]?.answer();
    await expect(second).resolves.toBe('=c');
    await turn();
    expect(calls[2]?.asked).toEqual(['d', 'e']);
    for (const { answer } of calls) answer();
    await expect(Promise.all([first, third])).resolves.toEqual([
      ['=a', '=b'],
      ['=d', '=e'],
    ]);
  });

  it('share a call also where they come by several connections in one turn', async () => {
    const { calls, value } = slowCalculator();
    const asked: Promise<string>[] = [];
    for (const one of ['a', 'b', 'c']) setImmediate(() => asked.push(value(one)));
    await turn();
    await turn();
    expect(calls.map((call) => call.asked)).toEqual([['a', 'b', 'c']]);
    calls[0]?.answer();
    await expect(Promise.all(asked)).resolves.toEqual(['=a', '=b', '=c']);
  });

  it('fail each for itself, or all with their call', async () => {
    const { calls, value } = slowCalculator();
    const outcomes = Promise.allSettled([value('a'), value('bad')]);
    await turn();
    calls[0]?.answer();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    const lost = Promise.allSettled([value('a'), value('b')]);
    await turn();
    calls[1]?.answer(new Error('away'));
    expect(await lost).toMatchObject([{ reason: { message: 'away' } }, { reason: { message: 'away' } }]);
  });

  it('go by what a call can carry, and no more than so many wait', async () => {
    const { calls, value } = slowCalculator(4);
    const all = Promise.allSettled([value('aaa'), value('bbbbbb'), value('c'), value('d')]);
    await turn();
    expect(calls.map(({ asked }) => asked)).toEqual([['aaa'], ['bbbbbb']]);
    calls[0]?.answer();
    await turn();
    expect(calls[2]?.asked).toEqual(['c']);
    for (const { answer } of calls) answer();
    expect(await all).toMatchObject([
      { value: '=aaa' },
      { value: '=bbbbbb' },
      { value: '=c' },
      { reason: { message: 'too many' } },
    ]);
  });
});
