/** Connections to instances that freeze, vanish and come back, over real sockets. */

import { promises as dns } from 'node:dns';
import { connect as connectSocket } from 'node:net';
import { describe, expect, it, jest } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type Channel, createClient } from '../src/exports/client.js';
import { type Clock, sleep, systemClock } from '../src/exports/clock.js';
import { standIn } from '../src/exports/testing.js';
import { startTcpProxy } from '../src/testing/tcp-proxy/tcp-proxy.js';
import { peerTransport } from '../src/transport/peer-connection.js';
import { briefServer, socketServer } from './support/foreign-servers.js';
import { failure } from './support/outcome.js';
import { startPeerProcess, startProcess } from './support/peer-process.js';
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

  it('is closed although it was still being made when it was given up', async () => {
    const mute = await socketServer((socket) => socket.resume());
    closers.push(() => mute.close());
    // At one of these steps the peer accepts a connection that this side has closed.
    for (let steps = 0; steps < 40; steps += 1) {
      const transport = peerTransport(mute.address);
      const connecting = failure(transport.connect());
      for (let step = 0; step < steps; step += 1) await new Promise(setImmediate);
      transport.close();
      expect(await connecting).toMatchObject({ message: 'the connection was closed' });
    }
    await until(() => mute.connections() > 0);
    await until(() => mute.open() === 0);
  });

  it('reports the same reason if this process was busy and closed it first', async () => {
    const mute = await socketServer((socket) => socket.resume());
    closers.push(() => mute.close());
    let timers = 0;
    const clock: Clock = {
      now: () => systemClock.now(),
      setTimer(delayMs, callback, options) {
        timers += 1;
        return systemClock.setTimer(timers === 1 ? delayMs + 500 : delayMs, callback, options);
      },
    };
    const transport = peerTransport(mute.address, { connectTimeoutMs: 50, clock });
    closers.push(() => transport.close());
    expect(await failure(transport.connect())).toMatchObject({ message: 'no connection within 50 ms' });
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

  it('is given up if nothing answers at all, for a new lookup of the name', async () => {
    const hole = await startProcess(`
      const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        process.stdout.write(server.address().port + '\\n', () => process.kill(process.pid, 'SIGSTOP'));
      });`);
    closers.push(() => hole.close());
    const port = Number(hole.address.split(':')[1]);
    // Once its queue is full, the kernel drops further connections.
    const fillers = Array.from({ length: 8 }, () => connectSocket(port, '127.0.0.1').on('error', () => 0));
    closers.push(() => fillers.map((filler) => filler.destroy()));
    await sleep(systemClock, 50);
    await startServer({}, { listen: `127.0.0.2:${port}` });
    let found = '127.0.0.1';
    const lookup = jest.spyOn(dns, 'lookup').mockImplementation(async () => [{ address: found, family: 4 }] as never);
    closers.push(() => lookup.mockRestore());
    const transport = peerTransport(`moved.test:${port}`, { connectTimeoutMs: 100 });
    closers.push(() => transport.close());
    expect(await failure(transport.connect())).toMatchObject({ message: 'no connection within 100 ms' });
    found = '127.0.0.2';
    await until(() => transport.state === 'ready');
  });
});
