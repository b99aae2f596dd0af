import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { createSchemas } from './schema.js';

const descriptors = new URL('../../../../packages/contracts/descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

function schemaOf(message: string) {
  const desc = registry.getMessage(`rondo.conformance.v1.${message}`);
  if (desc === undefined) throw new Error(`there is no ${message}`);
  return createSchemas().body(desc, { integers: 'numbers', without: new Set(), partial: false });
}

describe('the rules of the contract are in the document', () => {
  const twenty = schemaOf('TwentyRules');

  it.each([
    ['requestId', { type: 'string', format: 'uuid', description: 'Rules: `string.uuid`.' }],
    ['customer', { pattern: '^customers/[a-z0-9-]{1,63}$' }],
    ['title', { minLength: 1, maxLength: 200 }],
    ['email', { format: 'email' }],
    ['nanos', { minimum: 0, exclusiveMaximum: 1_000_000_000 }],
    ['items', { minItems: 1, maxItems: 100 }],
    // JSON has a 64-bit integer as text, or as a number, and a double as either.
    ['units', { format: 'int64', description: 'Rules: `int64.gte = 0`.' }],
    ['discount', { description: expect.stringContaining('double.finite') }],
  ])('of %s', (name, wanted) => {
    expect(twenty.properties?.[name]).toMatchObject(wanted);
  });

  it('as examples that they accept, of integers and enums', () => {
    expect(twenty.properties).toMatchObject({ units: { examples: [1] }, color: { examples: ['COLOR_RED'] } });
    expect(schemaOf('EnumRules').properties).toMatchObject({ equal: { examples: ['COLOR_BLUE'] } });
    expect(schemaOf('IntegerRules').properties).toMatchObject({
      outside: { examples: [1] },
      outsideOpen: { examples: [5] },
    });
  });

  it('as required fields', () => {
    expect(twenty.required).toEqual(['customer', 'validity']);
  });

  it('and in words alone if a keyword would refuse more than they do', () => {
    expect(schemaOf('PresenceRules').properties?.['ifSet']).not.toHaveProperty('exclusiveMinimum');
    expect(schemaOf('IntegerRules').properties?.['outside']).not.toHaveProperty('minLength');
    expect(schemaOf('StringRules').properties?.['pattern']).toHaveProperty('pattern', '^[a-c]+(-[0-9]{2})*$');
    expect(schemaOf('StringRules').properties?.['anyCase']).not.toHaveProperty('pattern');
  });
});
