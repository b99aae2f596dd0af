import { describe, expect, it } from '@jest/globals';
import { exactNumber, jsonText, parseJson } from './parse.js';

it('JSON with a number that JavaScript would round may have a text of any length', () => {
  const long = JSON.stringify('1e9\\"'.repeat(5 * 1024 * 1024));
  const { n, text } = Object(parseJson(`{"text":${long},"n":9007199254740993}`));
  expect([n, text.length]).toEqual([exactNumber('9007199254740993'), JSON.parse(long).length]);
});

describe('the JSON of a message', () => {
  it('is that of JSON.stringify, in one line or with an indent', () => {
    const json = { a: [1, 'x', null], b: { c: true } };
    expect(jsonText(json)).toBe(JSON.stringify(json));
    expect(jsonText(json, 2)).toBe(JSON.stringify(json, undefined, 2));
  });

  it('keeps the sign of zero, and texts that look like it', () => {
    const json = { a: -0, b: [0, -0], c: '-0', d: '\ue001-0' };
    expect(jsonText(json)).toBe('{"a":-0,"b":[0,-0],"c":"-0","d":"\ue001-0"}');
    expect(Object.is(JSON.parse(jsonText(-0)), -0)).toBe(true);
  });
});
