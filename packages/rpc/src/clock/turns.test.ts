import { describe, expect, it } from '@jest/globals';
import { yieldToEventLoop } from './system.js';
import { Turns } from './turns.js';

/** Turns, and the names of what they have begun. A name's first letter is its client. */
function start(perRound = 1) {
  const turns = new Turns(perRound);
  const begun: string[] = [];
  const add = (name: string, deferred = false) => turns.run(name.charAt(0), () => begun.push(name), { deferred });
  return { add, begun };
}

describe('turns', () => {
  it('begin at once if nothing waits', async () => {
    const { add, begun } = start();
    add('a1');
    expect(begun).toEqual(['a1']);
    await yieldToEventLoop();
    await yieldToEventLoop();
    add('a2');
    expect(begun).toEqual(['a1', 'a2']);
  });

  it('begin in rotation of their clients', async () => {
    const { add, begun } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) add(name);
    while (begun.length < 7) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('are taken back: their clients keep their turns', async () => {
    const { add, begun } = start();
    add('a1');
    const takenBack = [add('b1'), add('d1')];
    for (const name of ['b2', 'c1']) add(name);
    for (const takeBack of takenBack) takeBack();
    for (const name of ['e1', 'd2']) add(name);
    while (begun.length < 5) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'b2', 'c1', 'e1', 'd2']);
  });

  it('begin so many in a round, and deferred ones not in this one', async () => {
    const { add, begun } = start(2);
    add('a1', true);
    for (const name of ['a2', 'a3', 'b1']) add(name);
    expect(begun).toEqual([]);
    await yieldToEventLoop();
    await Promise.resolve();
    expect(begun).toEqual(['a1', 'b1']);
    await yieldToEventLoop();
    await Promise.resolve();
    expect(begun).toEqual(['a1', 'b1', 'a2', 'a3']);
  });
});
