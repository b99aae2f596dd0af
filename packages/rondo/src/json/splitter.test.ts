import { describe, expect, it } from '@jest/globals';
import { JsonSplitter } from '../call/requests.js';

function split(...pieces: readonly (string | Uint8Array)[]): readonly string[] {
  const splitter = new JsonSplitter();
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
}

describe('JsonSplitter', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['one a line', ['{"a":1}\n{"a":2}\n'], ['{"a":1}', '{"a":2}']],
    ['with nothing between', ['{"a":1}{"a":2}'], ['{"a":1}', '{"a":2}']],
    ['over several lines', ['{\n "a": [1,\n2]\n}\n{}'], ['{\n "a": [1,\n2]\n}', '{}']],
    ['with braces and quotes in text', ['{"a":"}{\\"]"}{}'], ['{"a":"}{\\"]"}', '{}']],
    ['in pieces', ['{"a', '":"x', '\\', '"}"', '}', '{"b":1}'], ['{"a":"x\\"}"}', '{"b":1}']],
    ['that are no objects', ['1 "two" true\n[3]'], ['1', '"two"', 'true', '[3]']],
    ['of which there are none', [' \n\t'], []],
    ['of which the last is cut off', ['{}{"a":'], ['{}', '{"a":']],
  ])('cuts values %s', (_what, pieces, expected) => {
    expect(split(...pieces)).toEqual(expected);
  });

  it('puts a character together that two pieces share', () => {
    const bytes = Buffer.from('{"a":"é"}');
    const middle = bytes.indexOf(0xc3) + 1;
    expect(split(bytes.subarray(0, middle), bytes.subarray(middle))).toEqual(['{"a":"é"}']);
  });

  it.each([
    ['no character', [0x22, 0xff, 0x22]],
    ['half a character', [0x22, 0xc3]],
  ])('takes no bytes that are %s', (_what, bytes) => {
    expect(() => split(Uint8Array.from(bytes))).toThrow('is not UTF-8');
  });

  it('gives a value out as soon as it is complete', () => {
    const splitter = new JsonSplitter();
    expect(splitter.push('{"a":1}')).toEqual(['{"a":1}']);
  });
});
