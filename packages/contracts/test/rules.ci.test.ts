import { readFileSync } from 'node:fs';
import { createFileRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createValidator } from '@bufbuild/protovalidate';
import { describe, expect, it } from '@jest/globals';
import * as stubs from '@rondo/contracts/rondo/conformance/v1/validation';
import { RandomMessages } from './random-messages.js';

/** Messages of each kind; 100,000 take some minutes. */
const COUNT = Number(process.env['RONDO_RANDOM_MESSAGES'] ?? 1_000);
const SEED = 20261122;

const descriptors = new URL('../descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));
const validator = createValidator({ registry });

/** The messages, and how many rules of each must have been violated at least once. */
const KINDS = [
  ['IntegerRules', stubs.IntegerRules, 10],
  ['FloatRules', stubs.FloatRules, 9],
  ['StringRules', stubs.StringRules, 15],
  ['FormatRules', stubs.FormatRules, 39],
  ['BytesRules', stubs.BytesRules, 4],
  ['EnumRules', stubs.EnumRules, 5],
  ['CollectionRules', stubs.CollectionRules, 16],
  ['PresenceRules', stubs.PresenceRules, 13],
  ['OneofRules', stubs.OneofRules, 7],
  ['WellKnownRules', stubs.WellKnownRules, 12],
  ['SeldomRules', stubs.SeldomRules, 6],
  ['NestedRules', stubs.NestedRules, 3],
  ['CheckRequest', stubs.CheckRequest, 5],
] as const;

describe('compiled rules and protovalidate find the same violations in random messages of', () => {
  it.each(KINDS)('%s', async (name, { checked }, leastRules) => {
    await checked?.load?.();
    const schema = schemaOf(name);
    const random = new RandomMessages(SEED);
    const rules = new Set<string>();
    for (let count = 0; count < COUNT; count++) {
      const bytes = toBinary(schema, random.message(schema));
      const wanted = byProtovalidate(schema, bytes);
      const found = checked?.decode(bytes).violations() ?? [];
      const shown = found.map(({ field, rule }) => `${field} ${rule}`).sort();
      if (shown.join('\n') !== wanted.join('\n')) {
        throw new Error(
          `${Buffer.from(bytes).toString('base64')}:\n${shown.join('\n')}\n\nwanted:\n${wanted.join('\n')}`,
        );
      }
      for (const one of wanted) rules.add(one.replace(/\[[^\]]*\]/g, '[]').replace(/^\S+\.(?=\S+ )/, ''));
    }
    expect(rules.size).toBeGreaterThanOrEqual(leastRules);
  });
});

function byProtovalidate(schema: DescMessage, bytes: Uint8Array): readonly string[] {
  const result = validator.validate(schema, fromBinary(schema, bytes));
  if (result.kind === 'error') throw result.error;
  return (result.violations ?? []).map(({ field, ruleId }) => `${pathToString(field)} ${ruleId}`).sort();
}

function schemaOf(name: string): DescMessage {
  const schema = registry.getMessage(`rondo.conformance.v1.${name}`);
  if (schema === undefined) throw new Error(`there is no ${name}`);
  return schema;
}
