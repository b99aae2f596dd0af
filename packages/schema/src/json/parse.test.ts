import { describe, expect, it } from '@jest/globals';
import { jsonText } from './parse.js';

describe('the JSON of a message', () => {
  it('is that of JSON.stringify, in one line or with an indent', () => {
    const json = { a: [1, 'x', null], b: { c: true } };
    expect(jsonText(json)).toBe(JSON.stringify(json));
    expect(jsonText(json, 2)).toBe(JSON.stringify(json, undefined, 2));
  });

  it('keeps the sign of zero, and texts that look like it', () => {
    expect(jsonText({ a: -0, b: [0, -0], c: '-0' })).toBe('{"a":-0,"b":[0,-0],"c":"-0"}');
    expect(Object.is(JSON.parse(jsonText(-0)), -0)).toBe(true);
  });
});
