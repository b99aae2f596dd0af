import { describe, expect, it } from '@jest/globals';
import { Metadata, type MetadataSource } from './metadata.js';

const BYTES = Buffer.from([1, 2]);

const sent: readonly (readonly [string, readonly string[]])[] = [
  ['grpc-status', ['0']],
  ['x-latin', ['caf\u00e9']],
  ['x-none', []],
  ['x-large', ['x'.repeat(20_000)]],
];
const peer: MetadataSource = {
  getAll: (key) => sent.find(([name]) => name === key)?.[1] ?? [],
  forEach(visit) {
    for (const [key, values] of sent) for (const value of values) visit(key, value);
  },
};

describe('metadata', () => {
  it('knows no case, and keeps the values of a key in order', () => {
    const metadata = new Metadata([
      ['X-A', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
    ]);
    expect(metadata.get('X-a')).toBe('1');
    expect(metadata.getAll('x-A')).toEqual(['1', '3']);
    expect([...metadata]).toEqual([
      ['x-a', '1'],
      ['x-a', '3'],
      ['x-b', '2'],
    ]);
    expect(metadata.size).toBe(2);
    expect(metadata.has('X-B')).toBe(true);
  });

  it('keeps text and bytes apart', () => {
    const metadata = new Metadata({ 'x-data-bin': BYTES, 'x-text': 'text' });
    expect(metadata.getBytes('x-data-bin')).toEqual(BYTES);
    expect(metadata.get('x-data-bin')).toBeUndefined();
    expect(metadata.getBytes('x-text')).toBeUndefined();
  });

  it('replaces and removes', () => {
    const metadata = new Metadata({ a: '1' });
    metadata.append('a', '2');
    metadata.set('A', '3');
    expect(metadata.getAll('a')).toEqual(['3']);
    metadata.delete('A');
    expect([...metadata]).toEqual([]);
  });

  it('keeps what is there where its replacement is refused', () => {
    const metadata = new Metadata({ a: '1' });
    expect(() => metadata.set('a', 'naïve')).toThrow(/printable ASCII/);
    expect(metadata.get('a')).toBe('1');
  });

  it('refuses what is neither text nor bytes', () => {
    expect(() => new Metadata(JSON.parse('{"x-text": 5}'))).toThrow(/"x-text": needs text/);
  });

  it('is copied whole', () => {
    const metadata = new Metadata({ a: '1' });
    const copy = metadata.clone();
    copy.append('a', '2');
    expect(metadata.getAll('a')).toEqual(['1']);
    expect(copy.getAll('a')).toEqual(['1', '2']);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['grpc-timeout', '1S', /belong to the protocol/],
    ['Grpc-Anything', '1', /belong to the protocol/],
    ['with space', '1', /only letters/],
    ['ключ', '1', /only letters/],
    [':path', '/', /only letters/],
    ['', '', /only letters/],
    ['x-text', 'naïve', /printable ASCII/],
    ['x-text', 'two\nlines', /printable ASCII/],
    ['x-text', BYTES, /needs text/],
    ['x-data-bin', 'text', /needs bytes/],
  ])('refuses %j: %j', (key, value, message) => {
    const metadata = new Metadata();
    expect(() => metadata.append(key, value)).toThrow(message);
    expect(() => metadata.append(key, value)).toThrow(TypeError);
    expect(metadata.size).toBe(0);
  });

  it('takes no more than a header block carries, and counts what is removed', () => {
    const metadata = new Metadata();
    const kibibyte = 'x'.repeat(1024);
    for (let index = 0; index < 15; index += 1) metadata.append(`k${index}`, kibibyte);
    expect(() => metadata.append('k15', kibibyte)).toThrow('16384 bytes');
    metadata.delete('k0');
    metadata.append('k15', kibibyte);
    expect(() => metadata.clone().append('one', kibibyte)).toThrow('16384 bytes');
  });

  it('takes what a peer sent as it is, but for the keys of the protocol', () => {
    const received = Metadata.over(peer);
    expect(received.get('grpc-status')).toBeUndefined();
    expect(received.get('X-Latin')).toBe('café');
    expect(received.has('x-none')).toBe(false);
    const visited: string[] = [];
    received.forEach((key) => {
      visited.push(key);
    });
    expect(visited).toEqual(['x-latin', 'x-large']);
    expect([...received].map(([key]) => key)).toEqual(visited);
    expect(received.size).toBe(2);
    const trailer = new Metadata({ a: '1' });
    trailer.appendAll(received);
    expect(trailer.get('x-latin')).toBe('café');
  });

  it('leaves what it was read from as it is', () => {
    const own = new Metadata({ a: '1', b: '2' });
    const over = Metadata.over(own);
    const copy = over.clone();
    over.append('a', '3');
    over.delete('b');
    copy.set('a', '4');
    expect([...over].join()).toBe('a,1,a,3');
    expect([...copy].join()).toBe('b,2,a,4');
    expect([...own].join()).toBe('a,1,b,2');
    expect(() => over.append('c', 'x'.repeat(16 * 1024))).toThrow(/the most/);
  });
});
