import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, fromJson, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import * as stubs from '@rondo/contracts/rondo/conformance/v1/validation';
import { exampleOf } from '../src/example.js';
import { textFor } from '../src/example-value.js';

const descriptors = new URL('../../contracts/descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

function messageOf(name: string) {
  const message = registry.getMessage(name);
  if (message === undefined) throw new Error(`there is no ${name}`);
  return message;
}

/** Rules that examples don't keep, as they are rare in contracts. */
const RARE =
  /^BytesRules|^FormatRules\.(?:\w+_prefix|ip\w*_prefixlen|ip_prefix|protobuf_\w+) |\.any_case |\.(?:oneof|within)$/;

describe('the example of a message', () => {
  it.each(['text', 'numbers'])('keeps its rules, with 64-bit integers as %s', (integers) => {
    const found = Object.entries(stubs).flatMap(([name, stub]) => {
      if (typeof stub !== 'object' || !('checked' in stub) || !stub.checked || 'load' in stub.checked) return [];
      const desc = messageOf(`rondo.conformance.v1.${name}`);
      const example = exampleOf(desc, { integersAsText: integers === 'text' });
      const decoded = stub.checked.decode(toBinary(desc, fromJson(desc, example)));
      const broken = decoded.violations().map(({ field, rule }) => `${name}.${field} ${rule}`);
      return broken.filter((one) => !RARE.test(one));
    });
    expect(found).toEqual([]);
  });

  it('names each field, and is small', () => {
    expect(exampleOf(messageOf('rondo.conformance.v1.TwentyRules'))).toMatchObject({
      customer: 'customers/a',
      title: 't',
      currency: 'tex',
      units: 1,
      color: 'COLOR_RED',
      items: [{ name: 't', quantity: 1 }],
      validity: '1.5s',
    });
  });

  it('is short, however much a contract asks for', () => {
    expect(textFor(new Map([['pattern', '((((a{999}){999}){999}){999})|(b)']])).length).toBeLessThanOrEqual(1_000);
    expect(textFor(new Map([['min_len', '18446744073709551615']]))).toHaveLength(1_000);
  });

  it.each([
    [`^${'('.repeat(60)}a*${')*'.repeat(60)}b$`, 'b'],
    [`([${'\\\\'.repeat(40)}]())x`, '\\x'],
    [`a{${'1'.repeat(190)}`, `a{${'1'.repeat(190)}`],
  ])('takes no time for %s', (pattern, text) => {
    const limits = [
      ['prefix', 'aaaaaaaa'],
      ['pattern', pattern],
    ] as const;
    expect(textFor(new Map(limits))).toBe(text);
  });

  it.each([
    ['^projects/(-|[a-z0-9][a-z0-9-]{0,62})$', 'projects/-'],
    ['^\\+[1-9]\\d{3,14}$', '+1000'],
    ['^(?:[A-Z]{3}|none)(/\\w+)?$', 'AAA'],
    ['^\\P{Cc}[xyz]{2}$', 'axx'],
    ['[b-a]', ''],
  ])('matches %s', (pattern, text) => {
    expect(textFor(new Map([['pattern', pattern]]))).toBe(text);
  });

  it('is no empty text where one is required', () => {
    expect(
      textFor(
        new Map<string, string | boolean>([
          ['required', true],
          ['pattern', '^\\P{Cc}*$'],
        ]),
      ),
    ).toBe('text');
  });

  it('leaves out what is asked for, and fills what must be set', () => {
    const item = messageOf('rondo.conformance.v1.CheckResponse');
    const fields = item.fields.map(({ jsonName }) => jsonName);
    expect(Object.keys(Object(exampleOf(item)))).toEqual(fields);
    expect(exampleOf(item, { without: () => true })).toEqual({});
  });
});
