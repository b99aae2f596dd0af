import { afterEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { startRegistry } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** How calls come to a service that starts with `environment`: only a call of its own has HTTP's headers. */
async function startAdder(environment: Readonly<Record<string, string>>) {
  const ways: string[] = [];
  const adder = standIn(AdderServiceDefinition, {
    add({ a, b }, { metadata }) {
      ways.push(metadata.has('user-agent') ? 'grpc' : 'tunnel');
      return { result: a + b };
    },
  });
  const service = await startService({
    name: 'adder',
    port: 0,
    environment: { RONDO_LISTEN: '127.0.0.1:0', RONDO_DRAIN_WAIT_MS: '0', RONDO_LOG_LEVEL: 'silent', ...environment },
    createApp: () => ({ services: [adder] }),
  });
  closers.push(() => service.drain());
  return ways;
}

describe('a client that finds a service in the registry', () => {
  it.each([
    { way: 'tunnel', by: 'default', environment: {}, options: {} },
    { way: 'grpc', by: 'RONDO_TRANSPORT of the service', environment: { RONDO_TRANSPORT: 'grpc' }, options: {} },
    { way: 'grpc', by: 'the option of the channel', environment: {}, options: { tunnel: false } },
  ])('calls it by $way: $by', async ({ way, environment, options }) => {
    const registry = await startRegistry();
    closers.push(() => registry.stop());
    const ways = await startAdder({ RONDO_REGISTRY: registry.address, ...environment });
    const channel = createRegistryChannel({ registry: [registry.address], ...options });
    closers.push(() => channel.close());
    const client = createClient(AdderServiceDefinition, { channel });
    // The first calls come before the tunnel is open.
    for (let left = 50; left > 0; left -= 1) expect(await client.add({ a: 2n, b: 3n })).toEqual({ result: 5n });
    expect(ways.at(-1)).toBe(way);
  });
});
