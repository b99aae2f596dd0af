import { describe, expect, it } from '@jest/globals';
import { nameOf, namePattern, parseName } from './names.js';

describe('resource names', () => {
  it('are parsed from what nameOf writes', () => {
    expect(parseName('quote', nameOf('quote', '4f2a'))).toBe('4f2a');
    expect(namePattern('quote')).toBe('quotes/{quote}');
  });

  it.each([
    '',
    'quotes/',
    '4f2a',
    'orders/4f2a',
    'quotes/4f2a/lines',
    'quotes/4F2A',
    ' quotes/4f2a',
    `quotes/${'a'.repeat(64)}`,
  ])('refuses "%s" as a quote', (name) => expect(parseName('quote', name)).toBeUndefined());
});
