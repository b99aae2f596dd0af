import { describe, expect, it } from '@jest/globals';
import { isTooDeep } from './depth.js';
import { parseJson } from './parse.js';

describe('JSON of nothing but brackets', () => {
  it.each([
    ['lists', `${'['.repeat(1_001)}${']'.repeat(1_001)}`],
    ['objects', `${'{"a":'.repeat(1_001)}1${'}'.repeat(1_001)}`],
    ['lists that never end', '['.repeat(1_001)],
  ])('is refused before it is parsed: %s', (_kind, text) => {
    expect(isTooDeep(text)).toBe(true);
    expect(() => parseJson(text)).toThrow('the request is not JSON: it is nested more than 100 deep: ');
  });

  it.each([
    ['lists beside each other', `[${'[],'.repeat(2_000)}[]]`],
    ['brackets in a text', `{"a":"${'['.repeat(2_000)}"}`],
    ['brackets behind a quotation mark in a text', `{"a":"\\"${'['.repeat(2_000)}"}`],
  ])('is not confused with %s', (_kind, text) => {
    expect(isTooDeep(text)).toBe(false);
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});
