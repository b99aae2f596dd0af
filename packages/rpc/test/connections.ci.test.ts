/** Connections to instances that freeze, vanish and come back, over real sockets. */

import { describe, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type Channel, createClient } from '../src/exports/client.js';
import { systemClock } from '../src/exports/clock.js';
import { standIn } from '../src/exports/testing.js';
import { startTcpProxy } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { peerTransport } from '../src/transport/peer-connection.js';
import { briefServer, socketServer } from './support/foreign-servers.js';
import { failure } from './support/outcome.js';
import { startPeerProcess } from './support/peer-process.js';
import { conformanceService } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { until } from './support/wait.js';

const { closers, connectTo, startServer } = socketsOfATest();

/** A client of Rondo peers. */
function connect(addresses: readonly string[]) {
  const { channel, client } = connectTo(addresses, { known: { minPingIntervalMs: 250 } });
  const endpointAt = (address: string) =>
    channel.inspect()[0]?.endpoints.find((endpoint) => endpoint.address === address);
  const stateOf = (address: string) => endpointAt(address)?.state;
  const heldOf = (address: string) => endpointAt(address)?.held;
  return { channel, stateOf, heldOf, client };
}

describe('a process with several services', () => {
  it('is called over one connection, which closes with the channel', async () => {
    const adder = standIn(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
    const server = await startServer({}, { router: { services: [conformanceService(), adder] } });
    const proxy = await startTcpProxy({ target: server.address });
    closers.push(() => proxy.close());
    const { channel, client } = connect([proxy.address]);
    const adders = createClient(AdderServiceDefinition, { channel });
    const calls = [client.unary({ text: 'a' }), adders.add({ a: 2n, b: 3n })] as const;
    expect(await Promise.all(calls)).toMatchObject([{ text: 'a' }, { result: 5n }]);
    expect(proxy.connections).toBe(1);
    proxy.cut();
    await until(() => proxy.connections === 1 && statesOf(channel).join() === 'ready,ready');
    expect(await adders.add({ a: 2n, b: 3n })).toMatchObject({ result: 5n });
    expect(proxy.connections).toBe(1);
    channel.close();
    await until(() => proxy.connections === 0);
  });
});

/** The state of the connection of each service. */
const statesOf = (channel: Channel) =>
  channel.inspect().flatMap(({ endpoints }) => endpoints.map((endpoint) => endpoint.state));

describe('a peer that freezes', () => {
  it('loses its calls that are safe to repeat first, its connection 5 s later, and no safe call fails', async () => {
    const peer = await startPeerProcess();
    closers.push(() => peer.close());
    const others = [await startServer(), await startServer()];
    const { client, stateOf, heldOf } = connect([peer.address, ...others.map(({ address }) => address)]);
    await until(() => stateOf(peer.address) === 'ready');
    while (peer.calls() === 0) await client.unary({});
    peer.signal('SIGSTOP');
    const frozenAt = systemClock.now();
    const outcomes: Promise<unknown>[] = [];
    const begin = () => outcomes.push(client.unary({}).then(() => 'served', String));
    // A third of the first thirty calls goes to the frozen peer.
    for (let count = 0; count < 30; count += 1) begin();
    await until(() => {
      begin();
      return heldOf(peer.address) !== undefined;
    });
    expect([heldOf(peer.address), stateOf(peer.address)]).toEqual([expect.stringMatching(/^silent/), 'ready']);
    expect(systemClock.now() - frozenAt).toBeGreaterThan(240);
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['served']));
    await until(() => stateOf(peer.address) !== 'ready');
    expect(systemClock.now() - frozenAt).toBeGreaterThan(4_900);
    peer.signal('SIGCONT');
    await until(() => stateOf(peer.address) === 'ready');
  });
});

describe('a connection that fails', () => {
  it('is closed if the peer never sends anything, and retried, again and again', async () => {
    const mute = await socketServer((socket) => socket.resume());
    closers.push(() => mute.close());
    const transport = peerTransport(mute.address, { connectTimeoutMs: 50 });
    closers.push(() => transport.close());
    expect(await failure(transport.connect())).toMatchObject({ message: 'no connection within 50 ms' });
    await until(() => mute.connections() >= 4);
    await until(() => mute.open() <= 2);
    expect(transport.lastError).toBe('no connection within 50 ms');
  });

  it('is retried with growing waits if it never lasts', async () => {
    const brief = await briefServer();
    closers.push(() => brief.close());
    const transport = peerTransport(brief.address);
    closers.push(() => transport.close());
    const startedAt = systemClock.now();
    await transport.connect();
    await until(() => brief.connections() >= 5);
    // The second attempt comes at once; then at least half of 100, 200 and 400 ms pass.
    expect(systemClock.now() - startedAt).toBeGreaterThan(340);
    await until(() => transport.state === 'transient_failure');
    expect(transport.lastError).toMatch(/^the connection ended \d+ ms after it was made \(the server closed it\)$/);
  });
});
