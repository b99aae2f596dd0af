import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createClient } from '../src/exports/client.js';
import { createRouter, implement } from '../src/exports/server.js';
import { createTestChannel } from '../src/exports/testing.js';

const { unary } = ConformanceServiceDefinition.methods;

/** Method names that every JavaScript object has as a member. */
const definition = {
  name: 'Odd',
  fullName: 'Odd', // of no package
  methods: {
    constructor: { ...unary, name: 'constructor' },
    valueOf: { ...unary, name: 'ValueOf' },
    toString: { ...unary, name: 'ToString' },
  },
} as const;

describe('a service with odd names', () => {
  it('is served and called', async () => {
    const answer = (text: string) => () => ({ text });
    const service = implement(definition, {
      constructor: answer('constructor'),
      valueOf: answer('valueOf'),
      toString: answer('toString'),
    });
    const client = createClient(definition, { channel: createTestChannel({ services: [service] }) });
    expect(await client.constructor({})).toMatchObject({ text: 'constructor' });
    expect(await client.valueOf({})).toMatchObject({ text: 'valueOf' });
    expect(await client.toString({})).toMatchObject({ text: 'toString' });
  });

  it('is not served by the members of every object', () => {
    const services = [{ definition, handlers: {} }];
    expect(() => createRouter({ services })).toThrow('/Odd/constructor has no handler: implement "constructor"');
  });
});
