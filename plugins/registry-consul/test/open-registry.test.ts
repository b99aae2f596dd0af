import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { openRegistry, registerServer } from '@rondo/service/registration';
import { consul } from '../src/exports/index.js';

const closings: (() => unknown)[] = [];
afterEach(async () => {
  delete process.env['RONDO_REGISTRY'];
  for (const close of closings.splice(0).reverse()) await close();
});

/** An agent of Consul, as far as a registration and a watch ask it. */
async function startAgent() {
  const entries = new Map<string, { readonly ID: string; readonly Name: string; readonly Meta: object }>();
  let index = 1;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://agent');
    const [kind = '', id = ''] = [/^\/v1\/(?:agent\/)?(.*)\/[^/]*$/.exec(pathname)?.[1], pathname.split('/').at(-1)];
    const entry = entries.get(decodeURIComponent(id));
    response.setHeader('x-consul-index', index);
    if (id === 'register') {
      const [body] = await request.toArray();
      const written = JSON.parse(String(body));
      entries.set(written.ID, written);
      index += 1;
      response.end();
    } else if (kind === 'service/deregister') {
      index += entries.delete(decodeURIComponent(id)) ? 1 : 0;
      response.end();
    } else if (pathname === '/v1/catalog/services') response.end('{"consul":[]}');
    else if (kind === 'health/service') {
      const named = [...entries.values()].filter(({ Name }) => Name === decodeURIComponent(id));
      response.end(JSON.stringify(named.map((Service) => ({ Service, Checks: [] }))));
    } else response.writeHead(entry ? 200 : 404).end(JSON.stringify(entry ?? null));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closings.push(() => server.close());
  return { url: `consul://127.0.0.1:${(server.address() as AddressInfo).port}`, entries };
}

it('has a program that is no service register a server and find it by what RONDO_REGISTRY names', async () => {
  const agent = await startAgent();
  process.env['RONDO_REGISTRY'] = agent.url;
  const adder = implement(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
  const server = await serve(createRouter({ services: [adder] }), { listen: '127.0.0.1:0' });
  closings.push(() => server.drain(0));

  const registry = await openRegistry(agent.url, [consul]);
  const registration = registerServer({
    registry,
    instanceId: 'adder-1',
    address: server.address,
    services: [AdderServiceDefinition.fullName],
    zone: 'eu/a',
    version: '1.2.3',
  });
  const channel = createRegistryChannel({ registry });
  closings.push(() => channel.close());
  const client = createClient(AdderServiceDefinition, { channel });
  const options = { waitForReady: true, timeoutMs: 60_000 };
  expect(await client.add({ a: 2n, b: 3n }, options)).toEqual({ result: 5n });
  const [entry] = agent.entries.values();
  expect(entry?.Meta).toMatchObject({ zone: 'eu/a', version: '1.2.3' });

  await registration.close();
  expect(agent.entries.size).toBe(0);
});

describe('RONDO_REGISTRY', () => {
  it.each([
    [undefined, ['127.0.0.1:50050']],
    [' r1:1, r2:2 ', ['r1:1', 'r2:2']],
  ])('%p is of Rondo', async (text, addresses) => {
    if (text !== undefined) process.env['RONDO_REGISTRY'] = text;
    expect(await openRegistry()).toEqual(addresses);
  });

  it('that is no list of addresses and no URL is refused', async () => {
    await expect(openRegistry('nowhere')).rejects.toThrow(
      /^RONDO_REGISTRY .*; give a comma-separated list of host:port/,
    );
  });

  it.each([
    [
      'consul://:secret@127.0.0.1:8500',
      'consul://… needs the plugin @rondo/registry-consul: npm install @rondo/registry-consul',
    ],
    ['etcd://127.0.0.1:2379', 'needs a plugin that opens it'],
  ])('%p says what is missing, without the URL', async (text, message) => {
    await expect(openRegistry(text)).rejects.toThrow(`RONDO_REGISTRY: ${message}`);
    await expect(openRegistry(text)).rejects.not.toThrow('127.0.0.1');
  });

  it('as a list of URLs is refused by a registration at once', () => {
    const server = { instanceId: 'a', address: '127.0.0.1:1', services: ['a.B'] };
    expect(() => registerServer({ registry: ['consul://127.0.0.1:8500'], ...server })).toThrow('await openRegistry()');
  });
});
