/** How soon each of 500 xDS clients of one service knows that one of its 500 instances has changed. */
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { AggregatedDiscoveryServiceDefinition } from '@rondo/contracts/rondo/xds/v1/xds';
import { memoryMiB, startRegistry } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { TYPES } from '../../services/registry/dist/xds/resources.js';
import { quantiles } from '../bench/report/figures.mjs';

const [CLIENTS, INSTANCES, CHANGES] = [500, 500, 200];
const SERVICE = 'lab.v1.ScaleService';
const MAX_MS = 1_000;

/** Resolves to the exit code. */
export async function runScale() {
  const registry = await startRegistry({ warmingMs: 0 });
  const channels = [];
  const open = () => {
    channels.push(createChannel({ resolver: staticResolver([registry.address]) }));
    return channels.at(-1);
  };
  try {
    const instances = createClient(RegistryServiceDefinition, { channel: open() });
    const leases = [];
    for (let index = 0; index < INSTANCES; index += 1) leases.push(await register(instances, index));
    const clients = [];
    for (let count = 0; count < CLIENTS; count += 1) {
      clients.push(subscribe(open()));
      await clients.at(-1).next();
    }
    const times = [];
    for (let change = 1; change <= CHANGES; change += 1) {
      const at = change % INSTANCES;
      const known = clients.map((client) => client.next());
      const startedAt = performance.now();
      const request = { leaseId: leases[at], instanceId: idOf(at), sequence: BigInt(change + 1) };
      await instances.update({ ...request, weight: 2, updateMask: ['weight'] });
      await Promise.all(known);
      times.push(performance.now() - startedAt);
    }
    const { p50, p99 } = quantiles(times);
    const shown = `${CLIENTS} clients, ${INSTANCES} instances: a change is at the last client after ${Math.round(p50)} ms (p50)`;
    console.log(
      `${shown} and ${Math.round(p99)} ms (p99); the registry has ${Math.round(memoryMiB(registry.pid).peak)} MiB at its peak`,
    );
    return p99 < MAX_MS ? 0 : 1;
  } finally {
    for (const channel of channels) channel.close();
    await registry.stop();
  }
}

const idOf = (index) => `scale-${index}`;

async function register(client, index) {
  const endpoint = { address: `10.0.${index >> 8}.${index & 255}:50051`, protocols: [], security: 1 };
  const instance = {
    instanceId: idOf(index),
    incarnation: 1n,
    endpoints: [endpoint],
    services: [SERVICE],
    weight: 1,
    status: 2,
  };
  const ttl = { seconds: 600n, nanos: 0 };
  return (await client.register({ instance, ttl, sequence: 1n, secret: Buffer.alloc(32, index) })).leaseId;
}

/** `next` accepts the last response, and resolves with the next one. */
function subscribe(channel) {
  const discovery = {
    ...AggregatedDiscoveryServiceDefinition,
    fullName: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
  };
  const queue = [];
  let wake = () => undefined;
  const requests = (async function* () {
    for (;;) {
      if (queue.length > 0) yield queue.shift();
      else await new Promise((resolve) => (wake = resolve));
    }
  })();
  const responses = createClient(discovery, { channel }).streamAggregatedResources(requests)[Symbol.asyncIterator]();
  let responseNonce = '';
  return {
    async next() {
      queue.push({ node: { id: 'scale' }, typeUrl: TYPES.endpoints, resourceNames: [SERVICE], responseNonce });
      wake();
      const { value } = await responses.next();
      responseNonce = value.nonce;
    },
  };
}
