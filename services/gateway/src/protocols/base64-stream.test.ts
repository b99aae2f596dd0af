import { describe, expect, it, jest } from '@jest/globals';
import { Base64Stream } from './base64-stream.js';

const parts = ['a', 'bc', 'def', 'ghij', ''].map((text) => Buffer.from(text));
const sent = parts.map((part) => part.toString('base64')).join('');

describe('base64 with padding between its parts', () => {
  it.each([1, 2, 3, 4, 5, 7, 100])('is decoded in chunks of %i characters', (size) => {
    const stream = new Base64Stream();
    const decoded = [];
    for (let at = 0; at < sent.length; at += size) decoded.push(stream.decode(Buffer.from(sent.slice(at, at + size))));
    expect(Buffer.concat(decoded)).toEqual(Buffer.concat(parts));
    expect(stream.whole).toBe(true);
  });

  it('costs the same for each group, wherever padding stands', () => {
    const groups = Buffer.from('AA==YWI=+_-/'.repeat(10_000));
    const made = jest.spyOn(Buffer, 'from');
    const decoded = new Base64Stream().decode(groups);
    expect(made.mock.calls.length).toBeLessThan(10);
    made.mockRestore();
    expect(decoded).toEqual(Buffer.from('0061 62 fbffbf'.replaceAll(' ', '').repeat(10_000), 'hex'));
  });

  it('is not whole inside a group', () => {
    const stream = new Base64Stream();
    stream.decode(Buffer.from('AAAAA'));
    expect(stream.whole).toBe(false);
  });
});
