import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel } from '../channel/channel.js';
import { staticResolver } from '../resolver/static.js';
import { implement } from '../server/handlers.js';
import { createRouter } from '../server/router.js';
import { createMemoryNetwork } from '../transport/memory/network.js';
import { configuredToken, sendToken } from './caller-token.js';
import { createClient } from './create-client.js';

describe('the token of a caller', () => {
  it('is that of the variable or of the file', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'rondo-token-'));
    const file = path.join(folder, 'token');
    writeFileSync(file, 'abc.def\n');
    expect(configuredToken({ RONDO_TOKEN_FILE: file })).toBe('abc.def');
    expect(configuredToken({ RONDO_TOKEN: ' abc.def ' })).toBe('abc.def');
    expect(configuredToken({ RONDO_TOKEN: '' })).toBeUndefined();
    expect(() => configuredToken({ RONDO_TOKEN: 'a', RONDO_TOKEN_FILE: file })).toThrow('are both set');
    rmSync(folder, { recursive: true });
    expect(() => configuredToken({ RONDO_TOKEN_FILE: file })).toThrow(`RONDO_TOKEN_FILE=${file} can't be read`);
  });

  it.each(['secret word', 'se\ncret', 'sécret', 'x'.repeat(8193)])('is refused as %j, without its text', (token) => {
    const read = () => configuredToken({ RONDO_TOKEN: token });
    expect(read).toThrow(
      new TypeError('RONDO_TOKEN must be 1 to 8192 characters of ASCII without spaces, as rondo token prints it'),
    );
  });

  it('is sent with each call that has no credentials of its own', async () => {
    const sent: unknown[] = [];
    const network = createMemoryNetwork();
    const services = [
      implement(AdderServiceDefinition, {
        add({ a, b }, { metadata }) {
          sent.push([metadata.get('authorization'), metadata.get('x-api-key')]);
          return { result: a + b };
        },
      }),
    ];
    network.listen('adder', createRouter({ services }));
    const channel = createChannel({
      resolver: staticResolver(['adder']),
      transport: network.transport,
      middleware: sendToken('abc'),
    });
    const { add } = createClient(AdderServiceDefinition, { channel });
    await add({ a: 1n, b: 2n });
    await add({ a: 1n, b: 2n }, { metadata: { authorization: 'Bearer own' } });
    await add({ a: 1n, b: 2n }, { metadata: { 'x-api-key': 'key' } });
    channel.close();
    expect(sent).toEqual([
      ['Bearer abc', undefined],
      ['Bearer own', undefined],
      [undefined, 'key'],
    ]);
  });
});
