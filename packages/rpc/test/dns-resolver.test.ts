/** Calls to the servers that a DNS name leads to, over real sockets, with a real DNS server. */
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createChannel, createClient, dnsResolver } from '../src/exports/client.js';
import { createRouter, type RpcServer, serve } from '../src/exports/server.js';
import { Status } from '../src/exports/status.js';
import { closersOfATest } from './support/closers.js';
import { startDnsServer } from './support/dns-server.js';
import { failure } from './support/outcome.js';
import { conformanceService } from './support/service.js';
import { until } from './support/wait.js';

const closers = closersOfATest();

/** A server at a loopback address that answers with that address. */
async function startAt(host: string, port: string): Promise<RpcServer> {
  const services = [conformanceService({ unary: () => ({ text: host }) })];
  const server = await serve(createRouter({ services }), { listen: `${host}:${port}` });
  closers.push(() => server.drain(0));
  return server;
}

/** Two servers at one port of two addresses, a DNS server that names them, and a client of that name. */
async function twoServers({ intervalMs = 100 } = {}) {
  const one = await startAt('127.0.0.1', '0');
  const port = one.address.split(':').at(-1) ?? '';
  const two = await startAt('127.0.0.2', port);
  const dns = await startDnsServer(['127.0.0.1', '127.0.0.2']);
  closers.push(() => dns.stop());
  const target = `dns://${dns.address}/conformance.example:${port}`;
  const channel = createChannel({ resolver: dnsResolver(target, { intervalMs, minIntervalMs: 10 }) });
  closers.push(() => channel.close());
  return { one, two, port, dns, channel, client: createClient(ConformanceServiceDefinition, { channel }) };
}

const addressesOf = (channel: Channel) =>
  channel
    .inspect()
    .flatMap(({ endpoints }) => endpoints)
    .map(({ address }) => address.split(':')[0]);

describe('a DNS name with two addresses', () => {
  it('spreads calls evenly over both', async () => {
    const { client } = await twoServers();
    const served = new Map<string, number>();
    for (let call = 0; call < 40; call += 1) {
      const { text } = await client.unary({});
      served.set(text, (served.get(text) ?? 0) + 1);
    }
    expect(Object.fromEntries(served)).toEqual({ '127.0.0.1': 20, '127.0.0.2': 20 });
  });

  it('fails no safe call when the server at one of them ends', async () => {
    const { client, two, dns, channel } = await twoServers();
    let calling = true;
    const failures: unknown[] = [];
    const served: string[] = [];
    const load = async () => {
      while (calling) {
        await client.unary({}).then(
          ({ text }) => served.push(text),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const loads = [load(), load(), load()];
    await until(() => served.includes('127.0.0.2'));
    await two.drain(0);
    const before = served.length;
    await until(() => served.length > before + 100);
    expect(served.slice(-20)).toEqual(Array(20).fill('127.0.0.1'));
    dns.answer(['127.0.0.1']);
    await until(() => addressesOf(channel).length === 1);
    calling = false;
    await Promise.all(loads);
    expect(failures).toEqual([]);
  });

  it('is looked up when a connection fails, however long the interval', async () => {
    const { client, two, dns, channel, port } = await twoServers({ intervalMs: 3_600_000 });
    await client.unary({});
    const before = dns.questions();
    await startAt('127.0.0.3', port);
    dns.answer(['127.0.0.1', '127.0.0.3']);
    await two.drain(0);
    await until(() => addressesOf(channel).includes('127.0.0.3'));
    expect(dns.questions()).toBeGreaterThan(before);
    expect(addressesOf(channel)).toEqual(['127.0.0.1', '127.0.0.3']);
  });
});

describe('a DNS server', () => {
  it('gives addresses of both kinds, of which only some can be called', async () => {
    const { client, dns, channel } = await twoServers();
    await client.unary({});
    dns.answer(['127.0.0.1', 'fd00::1']);
    await until(() => addressesOf(channel).length === 2 && !addressesOf(channel).includes('127.0.0.2'));
    expect(channel.inspect()[0]?.endpoints[1]?.address).toMatch(/^\[fd00::1\]:\d+$/);
    expect(await client.unary({})).toMatchObject({ text: '127.0.0.1' });
  });

  it.each([
    ['a name that it does not know', 3, 'there is no such name: check its spelling'],
    ['a name without records', [], 'the name has neither A nor AAAA records'],
  ])('makes calls to %s fail, and says so', async (_what, answer, reason) => {
    const dns = await startDnsServer([]);
    closers.push(() => dns.stop());
    dns.answer(answer);
    const channel = createChannel({ resolver: dnsResolver(`dns://${dns.address}/nowhere.example:1`) });
    closers.push(() => channel.close());
    const error = await failure(createClient(ConformanceServiceDefinition, { channel }).unary({}));
    expect(error.code).toBe(Status.UNAVAILABLE);
    expect(error.message).toContain('the DNS name nowhere.example');
    expect(error.message).toContain(reason);
  });
});

describe("the machine's own resolver", () => {
  it('finds localhost by the hosts file', async () => {
    const server = await startAt('127.0.0.1', '0');
    const port = server.address.split(':').at(-1) ?? '';
    const channel = createChannel({ resolver: dnsResolver(`dns:///localhost:${port}`) });
    closers.push(() => channel.close());
    const { text } = await createClient(ConformanceServiceDefinition, { channel }).unary({});
    expect(text).toBe('127.0.0.1');
  });
});
