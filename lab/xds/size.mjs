/** How long a change of one of 500 instances takes to the last of 500 xDS clients. */

import { InstanceStatus, RegistryServiceDefinition, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { AggregatedDiscoveryServiceDefinition as ADS } from '@rondo/contracts/rondo/xds/v1/xds';
import { cpuMs, memoryMiB, startRegistry } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';

const [CLIENTS, INSTANCES, CHANGES, CHANNELS] = [500, 500, 100, 10];
const SERVICE = 'calculator.Calculator';
const TYPE = 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment';
const definition = { ...ADS, fullName: 'envoy.service.discovery.v3.AggregatedDiscoveryService' };

/** Resolves to the exit code. */
export async function measureSize() {
  const registry = await startRegistry({ warmingMs: 0 });
  const resolver = staticResolver([registry.address]);
  const channels = Array.from({ length: CHANNELS }, () => createChannel({ resolver }));
  const [channel] = channels;
  const client = createClient(RegistryServiceDefinition, { channel });
  const register = (number, weight) =>
    client.register({ instance: instanceOf(number, weight), ttl: { seconds: 600n }, secret: Buffer.alloc(32, 1) });
  for (let number = 0; number < INSTANCES; number += 1) await register(number, 100);
  const arrived = createArrivals();
  for (let number = 0; number < CLIENTS; number += 1) {
    const ads = createClient(definition, { channel: channels[number % CHANNELS] });
    void follow(ads, arrived, String(number)).catch(() => undefined);
  }
  await arrived.all(CLIENTS);
  const times = [];
  const before = cpuMs(registry.pid);
  for (let change = 0; change < CHANGES; change += 1) {
    const all = arrived.all(CLIENTS);
    const startedAt = performance.now();
    await register(change, 101 + change);
    await all;
    times.push(performance.now() - startedAt);
  }
  times.sort((one, other) => one - other);
  const at = (part) => times[Math.ceil(part * CHANGES) - 1]?.toFixed(0);
  const cpu = (cpuMs(registry.pid) - before) / CHANGES;
  console.log(
    `${CHANGES} changes of ${INSTANCES} instances, at the last of ${CLIENTS} clients: median ${at(0.5)} ms, p99 ${at(0.99)} ms`,
  );
  console.log(`registry: ${memoryMiB(registry.pid).resident.toFixed(0)} MiB, ${cpu.toFixed(0)} ms of CPU a change`);
  for (const one of channels) one.close();
  await registry.stop();
  return 0;
}

const instanceOf = (number, weight) => ({
  instanceId: `calculator-${number}`,
  incarnation: 1n,
  endpoints: [
    { address: `10.0.${number >> 8}.${number & 255}:50051`, protocols: [], security: Security.SECURITY_PLAINTEXT },
  ],
  services: [SERVICE],
  weight,
  status: InstanceStatus.INSTANCE_STATUS_SERVING,
});

/** Counts the responses since the last call of `all`, which resolves with the last of them. */
function createArrivals() {
  let [left, done] = [0, () => undefined];
  return {
    one() {
      left -= 1;
      if (left === 0) done();
    },
    all: (count) =>
      new Promise((resolve) => {
        [left, done] = [count, resolve];
      }),
  };
}

async function follow(ads, arrived, id) {
  let acknowledge;
  const requests = async function* () {
    for (let responseNonce = ''; ; ) {
      yield { node: { id }, typeUrl: TYPE, resourceNames: [SERVICE], responseNonce };
      responseNonce = await new Promise((resolve) => {
        acknowledge = resolve;
      });
    }
  };
  for await (const { nonce } of ads.streamAggregatedResources(requests())) {
    arrived.one();
    acknowledge(nonce);
  }
}
