import { describe, expect, it } from '@jest/globals';
import { formatPercent, parsePercent } from './percent.js';

describe('parsePercent', () => {
  it.each([
    ['0', '0'],
    ['100', '100'],
    ['12.5', '12.5'],
    ['+12.50', '12.5'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['0.0001', '0.0001'],
    ['99.9999', '99.9999'],
    ['1.25e1', '12.5'],
    ['1E2', '100'],
    ['125e-1', '12.5'],
    ['-0', '0'],
    ['0.50000', '0.5'],
  ])('reads %s as %s', (text, plain) => {
    const percent = parsePercent(text);
    expect(percent && formatPercent(percent)).toBe(plain);
  });

  it.each([
    '',
    '.',
    '-1',
    '100.0001',
    '0.00001',
    '1e3',
    '1e999',
    'ten',
    '12,5',
    '1 ',
    '0x10',
    '1'.repeat(65),
    '1e-999',
  ])('refuses "%s"', (text) => expect(parsePercent(text)).toBeUndefined());
});
