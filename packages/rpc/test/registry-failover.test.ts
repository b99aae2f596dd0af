/** A client of three registries over real connections: one dead, one frozen, one good. */

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient, createRegistryChannel } from '../src/exports/client.js';
import { systemRandom } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { recordingLogger } from './support/recording-logger.js';
import { scriptedRegistry } from './support/scripted-registry.js';
import { socketsOfATest } from './support/sockets.js';
import { until } from './support/wait.js';

const { closers, startServer } = socketsOfATest();

/** A running registry with one instance of the conformance service. */
async function startGood() {
  const instance = await startServer();
  const registry = scriptedRegistry();
  const server = await serve(createRouter({ services: [registry.service] }), { listen: '127.0.0.1:0' });
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= server.drain(0);
    return stopped;
  };
  closers.push(stop);
  const endpoints = [{ address: instance.address, protocols: [], security: 0, minPingInterval: undefined }];
  const listed = { instanceId: 'one', endpoints, status: InstanceStatus.INSTANCE_STATUS_SERVING };
  await registry.event({
    position: { epoch: 1n, revision: 1n },
    event: { $case: 'snapshot', value: { instances: [listed] } },
  });
  return { address: server.address, stop, requests: registry.requests };
}

/** A registry that accepts connections and never sends anything. `connections` are those that are open. */
async function startFrozen() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    socket.resume(); // a socket that isn't read never learns that the other end has closed it
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, connections: () => sockets.size };
}

/** An address at which nothing listens. */
async function findDead() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

describe('a client of three registries, of which one is dead and one frozen', () => {
  it.each([0, 1, 2])('finds the good one, whichever it tries first (%s), and calls succeed', async (first) => {
    const [good, frozen, dead] = await Promise.all([startGood(), startFrozen(), findDead()]);
    const registry = [dead, frozen.address, good.address];
    const { logger, lines } = recordingLogger();
    // The first random number decides where it begins.
    let drawn = 0;
    const next = () => (drawn++ === 0 ? (first + 0.5) / 3 : systemRandom.next());
    const channel = createRegistryChannel({ registry, logger, random: { ...systemRandom, next } });
    closers.push(() => channel.close());
    const client = createClient(ConformanceServiceDefinition, { channel });
    expect(await client.unary({ text: 'found' })).toMatchObject({ text: 'found' });
    expect(channel.inspect()[0]?.source).toMatchObject({ state: 'connected', address: good.address });
    expect(good.requests).toHaveLength(1);
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);
    // It keeps no connection to a registry that it gave up.
    await until(() => frozen.connections() === 0);
  });

  it('moves to another when the one it watches dies', async () => {
    const [one, other, frozen] = await Promise.all([startGood(), startGood(), startFrozen()]);
    const addresses = [one.address, frozen.address, other.address];
    const random = { ...systemRandom, next: () => 0 };
    const channel = createRegistryChannel({ registry: addresses, random });
    closers.push(() => channel.close());
    const client = createClient(ConformanceServiceDefinition, { channel });
    await client.unary({});
    const source = () => channel.inspect()[0]?.source;
    expect(source()?.address).toBe(one.address);
    await one.stop();
    await until(() => source()?.address === other.address);
    expect(source()?.state).toBe('connected');
    expect(other.requests[0]?.resumeFrom).toEqual({ epoch: 1n, revision: 1n });
  });
});
