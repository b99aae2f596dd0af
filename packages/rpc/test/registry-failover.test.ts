/** A client of three registries over real connections, of which one is frozen. */

import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient, createRegistryChannel } from '../src/exports/client.js';
import { systemRandom } from '../src/exports/clock.js';
import { createRouter, serve } from '../src/exports/server.js';
import { socketServer } from './support/foreign-servers.js';
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

/** A registry that accepts connections and never sends anything. */
async function startFrozen() {
  const frozen = await socketServer((socket) => socket.resume());
  closers.push(() => frozen.close());
  return frozen;
}

describe('a client of three registries, of which one is frozen', () => {
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
    // It keeps no connection to a registry that it gave up.
    await until(() => frozen.connections() > 0 && frozen.open() === 0);
  });
});
