import { expect, it } from '@jest/globals';
import { KnownAssertions, MAX_ASSERTION_LENGTH, MAX_ASSERTIONS, SentAssertions } from './assertions.js';
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
  [1, 'a'.repeat(MAX_ASSERTION_LENGTH + 1)],
])(
  'a number %d without its text, above the bound, or with a text that is too long breaks the contract',
  (number, text) => {
    const known = new KnownAssertions((assertion) => ({ assertion }));
    expect(() => known.of(number, text)).toThrow(FrameError);
  },
);
