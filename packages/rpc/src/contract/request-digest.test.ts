import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CreateEntryRequest, KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import { policyOf } from './policy.js';
import { digestRequest } from './request-digest.js';
import { readRecords, writeRecord } from './wire-records.js';

const { shape = [] } = policyOf(KeyedServiceDefinition.methods.createEntry, '/s/CreateEntry').key ?? {};

type Init = Parameters<typeof CreateEntryRequest.fromPartial>[0];

const encode = (request: Init) => CreateEntryRequest.encode(CreateEntryRequest.fromPartial(request)).finish();
const digestOf = (bytes: Uint8Array, of = shape) => Buffer.from(digestRequest(bytes, of)).toString('hex');

const FULL = {
  text: 'a',
  part: { name: 'p', size: 3n, parts: [{ name: 'q' }] },
  parts: [{ name: 'x' }, { name: 'y', size: -1n }],
  partsByName: { one: { name: '1' }, two: { size: 2n } },
  names: { 1: 'eins', 2: '', [-3]: 'minus' },
  numbers: [1n, -2n, 3n],
  limit: 0,
  tags: ['t', 'u'],
  kind: { $case: 'weight', value: 0n } as const,
  delay: { seconds: 1n, nanos: 2 },
  shares: [0.5, -0],
};

/** A record of the message. */
const record = (number: number, wireType: number, value: Uint8Array | bigint) =>
  writeRecord({ number, wireType, value });

describe('the digest of a request', () => {
  it('is the same with another key, and for each change another', () => {
    const digest = digestOf(encode(FULL));
    expect(digestOf(encode({ ...FULL, requestId: 'another' }))).toBe(digest);
    const { limit: _, delay: __, ...less } = FULL;
    const others: Init[] = [
      { ...FULL, text: 'b' },
      { ...FULL, part: { ...FULL.part, parts: [{ name: 'r' }] } },
      { ...FULL, parts: [...FULL.parts].reverse() },
      { ...FULL, partsByName: { one: { name: '1' }, two: { size: 3n } } },
      { ...FULL, names: { 1: 'eins', 2: 'zwei' } },
      { ...FULL, numbers: [1n, 3n, -2n] },
      { ...less, delay: FULL.delay },
      { ...less, limit: 0 },
      { ...FULL, limit: 1 },
      { ...FULL, tags: ['tu'] },
      { ...FULL, kind: { $case: 'label', value: '' } },
      { ...FULL, shares: [0.5, 0] },
      {},
    ];
    const digests = others.map((request) => digestOf(encode(request)));
    expect(new Set([digest, ...digests]).size).toBe(others.length + 1);
  });

  it('does not depend on the order of fields and of maps, on packing or on zeros that are sent', () => {
    const digest = digestOf(encode(FULL));
    const names = { [-3]: 'minus', 2: '', 1: 'eins' };
    const partsByName = { two: { size: 2n }, one: { name: '1' } };
    expect(digestOf(encode({ ...FULL, names, partsByName }))).toBe(digest);
    const records = readRecords(encode(FULL)) ?? [];
    expect(digestOf(Buffer.concat([...records].sort((a, b) => b.number - a.number).map(writeRecord)))).not.toBe('');
    const byDescendingNumber = [...records].sort((a, b) => b.number - a.number);
    expect(digestOf(Buffer.concat(byDescendingNumber.map(writeRecord)))).toBe(digest);
    const unpacked = [2n, 3n, 6n].map((zigzag) => record(6, 0, zigzag));
    const others = records.filter(({ number }) => number !== 6).map(writeRecord);
    expect(digestOf(Buffer.concat([...others, ...unpacked]))).toBe(digest);
    expect(
      digestOf(Buffer.concat([encode({ text: 'a' }), record(20, 2, Buffer.from('')), record(12, 2, Buffer.from(''))])),
    ).toBe(digestOf(encode({ text: 'a' })));
    expect(digestOf(Buffer.concat([record(1, 2, Buffer.from('b')), encode(FULL)]))).toBe(digest);
  });

  it('keeps fields that a version does not know: it is the same before and after an upgrade', () => {
    const [request = {}, ...others] = shape;
    const { 2: _, 6: __, 11: ___, ...older } = request;
    const before = [older, ...others];
    expect(digestOf(encode(FULL), before)).toBe(digestOf(encode(FULL)));
    expect(digestOf(encode({ ...FULL, part: { name: 'z' } }), before)).not.toBe(digestOf(encode(FULL), before));
    const future = Buffer.concat([encode(FULL), record(99, 0, 7n)]);
    expect(digestOf(future)).not.toBe(digestOf(encode(FULL)));
    expect(digestOf(Buffer.concat([record(99, 0, 7n), encode(FULL)]))).toBe(digestOf(future));
  });

  it('has a bound: what is nested too deep, or is too much, stays as it is', () => {
    const [limit, name] = [record(7, 0, 0n), record(1, 2, Buffer.from('a'))];
    /** Parts in each other around a name, with a zero that isn't sent before or behind it. */
    const nested = (inner: Uint8Array, depth: number) => {
      let message = inner;
      for (let level = 0; level < depth; level += 1) message = record(3, 2, message);
      return digestOf(record(3, 2, message));
    };
    const long = record(1, 2, Buffer.alloc(4_000_000));
    expect(nested(Buffer.concat([name, name]), 90)).toBe(nested(name, 90));
    expect(nested(Buffer.concat([name, name]), 110)).not.toBe(nested(name, 110));
    expect(nested(Buffer.concat([long, long]), 1)).toBe(nested(long, 1));
    expect(nested(Buffer.concat([name, long]), 20)).not.toBe(nested(long, 20));
    const wide = (records: number) => {
      const bytes = Buffer.concat([
        limit,
        ...Array.from({ length: records }, () => record(3, 2, Buffer.alloc(0))),
        limit,
      ]);
      return [digestOf(bytes), createHash('sha256').update(bytes).digest('hex')];
    };
    expect(new Set(wide(100_000)).size).toBe(2);
    expect(new Set(wide(200_000)).size).toBe(1);
  });

  it('keeps entries of a map apart that can not be read', () => {
    const group = (text: string) =>
      record(4, 2, Buffer.concat([Buffer.from([0x23, 0x24]), record(2, 2, Buffer.from(text))]));
    expect(digestOf(Buffer.concat([group('a'), group('b')]))).not.toBe(digestOf(group('b')));
  });

  it('is made of damaged bytes too', () => {
    const damaged = encode(FULL).subarray(0, -1);
    expect(digestOf(damaged)).not.toBe(digestOf(encode(FULL)));
    expect(digestOf(damaged)).toBe(digestOf(Buffer.from(damaged)));
  });
});
