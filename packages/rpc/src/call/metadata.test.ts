/** Metadata refuses what Node's HTTP/2 refuses: Node throws in the middle of a reply, nothing catches it, and the process ends. */

import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Metadata, type MetadataSource } from './metadata.js';

const BYTES = Buffer.from([1, 2]);

const sent: readonly (readonly [string, readonly string[]])[] = [
  ['grpc-status', ['0']],
  ['connection', ['close']],
  ['rondo-not-handled', ['/s.S/M']],
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
  it('ignores the case of keys, and keeps the values of a key in order', () => {
    const metadata = new Metadata([
      ['X-A', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
    ]);
    expect(metadata.get('X-a')).toBe('1');
    expect(metadata.getAll('x-A')).toEqual(['1', '3']);
    expect([...metadata]).toEqual([
      ['x-a', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
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

  it('keeps the value if its replacement is refused', () => {
    const metadata = new Metadata({ a: '1' });
    expect(() => metadata.set('a', 'naïve')).toThrow(/printable ASCII/);
    expect(metadata.get('a')).toBe('1');
  });

  it('refuses a value that is neither text nor bytes', () => {
    expect(() => new Metadata(JSON.parse('{"x-text": 5}'))).toThrow(/"x-text": needs text/);
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
    ['x-text', ' before', /begin or end with a space/],
    ['x-text', 'behind ', /begin or end with a space/],
    ['Connection', 'close', /"Connection": the key belongs to HTTP/],
    ['__proto__', 'x', /"__proto__": JavaScript objects lose the key/],
    ['rondo-not-handled', '/s.S/M', /belongs to Rondo's servers/],
  ])('refuses %j: %j', (key, value, message) => {
    const metadata = new Metadata();
    expect(() => metadata.append(key, value)).toThrow(message);
    expect(() => metadata.append(key, value)).toThrow(TypeError);
    expect(metadata.size).toBe(0);
  });

  it('holds no more bytes than a header block, and subtracts removed entries', () => {
    const metadata = new Metadata();
    const kibibyte = 'x'.repeat(1024);
    for (let index = 0; index < 15; index += 1) metadata.append(`k${index}`, kibibyte);
    expect(() => metadata.append('k15', kibibyte)).toThrow(
      'metadata key "k15": 16384 bytes are the most that all entries can take, and with it they take 16934; send the rest',
    );
    metadata.delete('k0');
    metadata.append('k15', kibibyte);
    expect(() => metadata.clone().append('one', kibibyte)).toThrow('16384 bytes');
  });

  it("holds as many entries as Node's HTTP/2, and subtracts removed entries", () => {
    const metadata = new Metadata(Array.from({ length: 100 }, (_, index) => [`k${index}`, ''] as const));
    expect(() => metadata.append('k100', '')).toThrow('metadata key "k100": 100 entries are the most');
    expect(() => metadata.appendAll(new Metadata({ 'k-all': '' }))).toThrow('"k-all": 100 entries');
    expect(() => metadata.clone().append('k0', '')).toThrow('100 entries');
    metadata.set('k0', 'again');
    metadata.delete('k1');
    metadata.append('k100', '');
  });

  it('takes one value under a key to which HTTP gives one', () => {
    const metadata = new Metadata({ authorization: 'Bearer a' });
    expect(() => metadata.append('Authorization', 'Bearer b')).toThrow(/"authorization": HTTP gives it one value/);
    expect(() => metadata.appendAll(new Metadata({ authorization: 'Bearer b' }))).toThrow(/"authorization"/);
    metadata.set('authorization', 'Bearer c');
    expect(metadata.getAll('authorization')).toEqual(['Bearer c']);
  });

  it('takes received entries as they are, except reserved keys', () => {
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
    expect(received.get('connection')).toBeUndefined();
    expect(received.getAll('rondo-not-handled')).toEqual([]);
    for (const trailer of [new Metadata(), new Metadata({ a: '1' })]) {
      trailer.receive(received);
      expect(trailer.get('x-latin')).toBe('café');
      expect(trailer.has('connection')).toBe(false);
    }
  });

  it('passes on only received entries that can be sent', () => {
    const received = Metadata.over({ getAll: () => [], forEach: (visit) => visit('x-latin', 'café') });
    expect(() => received.checkSendable()).toThrow(/"x-latin": text must be printable ASCII/);
    expect(() => received.clone().checkSendable()).toThrow(/"x-latin"/);
    expect(received.size).toBe(1);
    expect(() => received.checkSendable()).toThrow(/"x-latin"/);
    expect(() => received.clone().checkSendable()).toThrow(/"x-latin"/);
    expect(() => new Metadata().appendAll(received)).toThrow(/"x-latin"/);
    expect(() => new Metadata(received)).toThrow(/"x-latin"/);
    const harmless = Metadata.over({ getAll: () => [], forEach: (visit) => visit('te', 'trailers') });
    expect([...new Metadata(harmless)]).toEqual([]);
    harmless.checkSendable();
    Metadata.over(new Metadata({ a: '1' })).checkSendable();
  });

  it('does not change its source', () => {
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

const server = http2.createServer();
let session: ClientHttp2Session;

beforeAll(async () => {
  server.on('sessionError', () => undefined);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(session, 'connect');
});

afterAll(async () => {
  session.destroy();
  const closed = once(server, 'close');
  server.close();
  await closed;
});

/** Whether Node throws for a message with the header. */
function nodeThrows(key: string, value: string | string[]): boolean {
  try {
    session.request({ [key]: value }).on('error', () => undefined);
    return false;
  } catch {
    return true;
  }
}

function refuses(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return true;
  }
}

const keys = Object.entries(http2.constants)
  .filter(([name]) => name.startsWith('HTTP2_HEADER_'))
  .map(([, key]) => String(key))
  .filter((key) => !key.startsWith(':'));

it.each(keys)('%s, once and twice', (key) => {
  const metadata = new Metadata();
  const once = refuses(() => metadata.append(key, 'x'));
  const twice = refuses(() => metadata.append(key, 'y'));
  if (nodeThrows(key, 'x')) expect(once).toBe(true);
  if (nodeThrows(key, ['x', 'y'])) expect(twice).toBe(true);
});

it('the check detects what Node refuses', () => {
  expect(keys.length).toBeGreaterThan(50);
  expect(nodeThrows('connection', 'close')).toBe(true);
  expect(nodeThrows('etag', ['a', 'b'])).toBe(true);
  expect(nodeThrows('x-own', ['a', 'b'])).toBe(false);
});
