import { expect, it } from '@jest/globals';
import { MAX_ASSERTION_LENGTH } from '../../principal/claims.js';
import { KnownAssertions, MAX_ASSERTIONS, SentAssertions } from './assertions.js';
import { FrameError } from './frames.js';

it('both ends agree on the numbers, also when they are reused', () => {
  const sent = new SentAssertions();
  const known = new KnownAssertions((assertion) => ({ assertion }));
  let texts = 0;
  const send = (assertion: string) => {
    const number = sent.numberOf(assertion);
    if (number < 0) texts += 1;
    return known.of(Math.abs(number), number < 0 ? assertion : undefined)?.assertion;
  };
  for (let call = 0; call < 3 * MAX_ASSERTIONS; call += 1) {
    expect(send(`a${call}`)).toBe(`a${call}`);
    expect(send(`a${call}`)).toBe(`a${call}`);
  }
  expect(texts).toBe(3 * MAX_ASSERTIONS);
  expect(send('a0')).toBe('a0');
  expect(texts).toBe(3 * MAX_ASSERTIONS + 1);
});

it('calls with the same assertion have the same object', () => {
  const known = new KnownAssertions((assertion) => ({ assertion }));
  expect(known.of(1, 'a')).toBe(known.of(1, undefined));
  expect(known.of(0, 'a')).toBeUndefined();
});

it.each([
  [1, undefined],
  [MAX_ASSERTIONS + 1, 'a'],
])('a number %d without its text, or above the bound, breaks the contract', (number, text) => {
  const known = new KnownAssertions((assertion) => ({ assertion }));
  expect(() => known.of(number, text)).toThrow(FrameError);
});

it('what is known counts, also when it is replaced, and a text that is too long is not kept', () => {
  const known = new KnownAssertions((assertion) => ({ assertion }));
  known.of(1, 'a'.repeat(MAX_ASSERTION_LENGTH));
  known.of(2, 'b');
  expect(known.heldBytes).toBe(MAX_ASSERTION_LENGTH + 1);
  expect(known.of(1, 'a'.repeat(MAX_ASSERTION_LENGTH + 1))).toEqual({ assertion: '' });
  expect(known.heldBytes).toBe(1);
});
