import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { formatRules, rulesOfField, rulesOfMessage, rulesOfOneof } from '../src/rules.js';

const descriptors = new URL('../../contracts/descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

function messageOf(name: string) {
  const message = registry.getMessage(`rondo.conformance.v1.${name}`);
  if (message === undefined) throw new Error(`there is no ${name}`);
  return message;
}

const shown = (message: string, field: string) =>
  formatRules(messageOf(message).fields.flatMap((one) => (one.name === field ? rulesOfField(one) : [])));

describe('the rules of a field are shown', () => {
  it.each([
    ['TwentyRules', 'customer', 'required, string.pattern = ^customers/[a-z0-9-]{1,63}$'],
    ['IntegerRules', 'between', 'int64.lt = 3, int64.gt = -3'],
    ['IntegerRules', 'listed', 'fixed64.in = [1, 2, 3]'],
    ['FloatRules', 'finite', 'double.finite'],
    ['SeldomRules', 'header', 'string.well_known_regex = KNOWN_REGEX_HTTP_HEADER_NAME'],
    ['BytesRules', 'equal', 'bytes.const = YQ=='],
    ['CollectionRules', 'nonzero_items', 'repeated.items.ignore = IGNORE_IF_ZERO_VALUE, repeated.items.int64.gt = 5'],
    ['WellKnownRules', 'duration', 'duration.lt = 3.000000005s, duration.gte = -2s'],
    ['WellKnownRules', 'listed', 'duration.in = [1s, 0.000000005s]'],
    ['CelRules', 'name', "cel = this.startsWith('n') ? '' : 'must begin with n'"],
    ['CelRules', 'last', ''],
    ['CheckRequest', 'labels', ''],
  ])('%s.%s', (message, field, text) => {
    expect(shown(message, field).split(', ').sort()).toEqual(text.split(', ').sort());
  });

  it('with those of its message and its oneof', () => {
    const { oneofs } = messageOf('OneofRules');
    expect(oneofs.map((oneof) => formatRules(rulesOfOneof(oneof)))).toEqual(['required']);
    expect(formatRules(rulesOfMessage(messageOf('CelRules')))).toBe('cel = first must not be greater than last');
    expect(rulesOfMessage(messageOf('OneofRules'))).toEqual([
      {
        name: 'oneof',
        value: [{ fields: ['first', 'second_one'], required: true }, { fields: ['third', 'fourth'] }],
      },
    ]);
  });

  it('if its contract imports them', () => {
    const status = registry.getMessage('google.rpc.Status');
    expect(status?.fields.flatMap(rulesOfField)).toEqual([]);
  });
});
