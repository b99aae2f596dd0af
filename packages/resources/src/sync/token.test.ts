import { describe, expect, it } from '@jest/globals';
import { InvalidResumeToken } from './errors.js';
import { readToken, viewOf, writeToken } from './token.js';

const view = viewOf('projects/p1');
const place = {
  position: 12_345_678_901_234n,
  mark: '0f0f0f0f-0f0f',
  included: new Map([
    [9n, { writtenMs: 1_780_000_000_123 }],
    [10n, { writtenMs: 1_780_000_000_124 }],
  ]),
};
const forged = (text: string) => Buffer.from(text).toString('base64url');

describe('a resume token', () => {
  it('is parsed as it was written, and needs no escaping in headers and URLs', () => {
    expect(readToken(view, writeToken(view, place))).toEqual(place);
    const bare = { ...place, included: new Map() };
    const inPart = new Map([[9n, { writtenMs: 1_780_000_000_123, above: 7n }]]);
    for (const one of [
      bare,
      { ...place, key: 0n },
      { ...bare, rows: 2 },
      { ...place, included: inPart, key: 9n, rows: 1 },
    ]) {
      expect(readToken(view, writeToken(view, one))).toEqual(one);
    }
    expect(writeToken(view, place)).toMatch(/^[\w-]+$/);
  });

  it('is valid for one topic and one filter', () => {
    const token = writeToken(view, place);
    const others = [viewOf('projects/p2'), viewOf('projects/p1', 'even'), viewOf('projects/p1\neven')];
    for (const other of others) expect(() => readToken(other, token)).toThrow(InvalidResumeToken);
    expect(viewOf('orders', 'a')).not.toBe(viewOf('orders', 'b'));
  });

  it('can not be resumed if another version of this package wrote it', () => {
    expect(readToken(view, forged(`4.${view}.whatever`))).toBeUndefined();
  });

  it('is refused if it is malformed', () => {
    const texts = [
      '',
      'x',
      `1.${view}`,
      `1.${view}.-1.m.`,
      `1.${view}.1.m.1`,
      `1.${view}.1.m..1`,
      `2.${view}.1.m.`,
      `2.${view}.1.m..-`,
      `3.${view}.1.m..1`,
      `1.${view}.1.m..-.1`,
      `1.${view}.${'9'.repeat(19)}.m.`,
      `1.${view}.1.m.${'9'.repeat(19)}-1,`,
    ];
    for (const text of texts) expect(() => readToken(view, forged(text))).toThrow(InvalidResumeToken);
    for (const token of ['%', 'nonsense', 'A'.repeat(100_000)]) {
      expect(() => readToken(view, token)).toThrow(InvalidResumeToken);
    }
  });
});
