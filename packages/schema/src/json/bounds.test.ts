import { describe, expect, it } from '@jest/globals';
import { measureJson } from './bounds.js';
import { parseJson } from './parse.js';

const whyUnparsed = (text: string, maxValues?: number) => measureJson(text, maxValues).unparsed;

describe('JSON of nothing but brackets', () => {
  it.each([
    ['lists', `${'['.repeat(1_001)}${']'.repeat(1_001)}`],
    ['objects', `${'{"a":'.repeat(1_001)}1${'}'.repeat(1_001)}`],
    ['lists that never end', '['.repeat(1_001)],
  ])('is refused before it is parsed: %s', (_kind, text) => {
    expect(whyUnparsed(text)).toBe('is nested more than 100 deep');
    expect(() => parseJson(text)).toThrow('the request is not JSON: it is nested more than 100 deep: ');
  });

  it.each([
    ['lists next to each other', `[${'[],'.repeat(2_000)}[]]`],
    ['brackets in a text', `{"a":"${'['.repeat(2_000)}"}`],
    ['brackets behind a quotation mark in a text', `{"a":"\\"${'['.repeat(2_000)}"}`],
  ])('is not confused with %s', (_kind, text) => {
    expect(whyUnparsed(text)).toBeUndefined();
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

it('refuses a number of very many digits before it is parsed, and reads them as text', () => {
  const digits = '9'.repeat(1_001);
  expect(whyUnparsed(`{"a":-${digits}}`)).toBe('has a number of more than 1000 digits');
  expect(whyUnparsed(`{"a":[1.${digits}]}`)).toBe('has a number of more than 1000 digits');
  expect(whyUnparsed(`{"a":"${digits}"}`)).toBeUndefined();
});

describe('JSON of very many values', () => {
  it.each([
    ['members', `{${Array.from({ length: 1_001 }, (_, index) => `"k${index}":1`).join(',')}}`],
    ['elements', `[${'1,'.repeat(1_000)}1]`],
    ['empty objects', `{"a":[${'{},'.repeat(998)}{}]}`],
  ])('is refused before it is parsed: %s', (_kind, text) => {
    expect(whyUnparsed(text, 1_000)).toBe('has more than 1000 values');
    expect(whyUnparsed(text, 2_002)).toBeUndefined();
  });

  it('is refused by fewer members than elements, as each has a name', () => {
    const members = (count: number) => `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',')}}`;
    expect(whyUnparsed(members(500), 1_000)).toBeUndefined();
    expect(whyUnparsed(members(501), 1_000)).toBe('has more than 1000 values');
  });

  it('is refused also if it is short', () => {
    expect(whyUnparsed('[1,2,3]', 2)).toBe('has more than 2 values');
  });

  it('is not confused with commas in a text', () => {
    expect(whyUnparsed(JSON.stringify({ a: ','.repeat(2_000) }), 1_000)).toBeUndefined();
  });
});
