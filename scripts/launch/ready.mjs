/** Whether the system is up, as the registry tells. */
const POLL_MS = 50;
const TIMEOUT_MS = 60_000;

/**
 * Waits until the registry answers and every process is registered and takes calls.
 * @param {string} registry
 * @param {{ names: string[], failed: Promise<never> }} options `names` may be none; `failed` rejects when one ends.
 * @returns {Promise<{ name: string, address: string, services: string[] }[]>}
 */
export async function untilReady(registry, { names, failed }) {
  const { createChannel, createClient } = await import('../../packages/rpc/dist/client/index.js');
  const { staticResolver } = await import('../../packages/rpc/dist/resolver/index.js');
  const contracts = await import('../../packages/contracts/dist/rondo/registry/v1/registry.js');
  const serving = contracts.InstanceStatus.INSTANCE_STATUS_SERVING;
  const channel = createChannel({ resolver: staticResolver([registry]) });
  const client = createClient(contracts.RegistryServiceDefinition, { channel });
  const expiresAt = performance.now() + TIMEOUT_MS;
  try {
    for (;;) {
      const instances = await Promise.race([failed, list(client)]);
      const ready = instances?.filter(({ status }) => status === serving) ?? [];
      const missing = names.filter((name) => !ready.some(({ instanceId }) => instanceId === name));
      if (instances !== undefined && missing.length === 0) {
        return ready.filter(({ instanceId }) => names.includes(instanceId)).map(toRow);
      }
      if (performance.now() > expiresAt)
        throw new Error(`not ready after a minute: ${missing.join(', ') || 'registry'}`);
      await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
    }
  } finally {
    channel.close();
  }
}

/** The registry itself may not be up yet. */
async function list(client) {
  try {
    return (await client.listInstances({}, { timeoutMs: 1000 })).instances;
  } catch {
    return undefined;
  }
}

function toRow({ instanceId, endpoints, services }) {
  return { name: instanceId, address: endpoints[0]?.address ?? '', services };
}
