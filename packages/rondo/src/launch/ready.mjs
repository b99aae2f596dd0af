/** Asks the registry which instances take calls. */
import { callerTls } from './certificates.mjs';

const POLL_MS = 50;
const TIMEOUT_MS = 60_000;

/**
 * @typedef {object} Row
 * @property {string} name The instance's id.
 * @property {string} address
 * @property {string[]} services The gRPC services that it serves, fully qualified.
 */

/**
 * Waits until the registry answers and every process is registered and takes calls.
 * @param {string} registry
 * @param {{ names: string[], certs?: string, failed: Promise<never>, signal: AbortSignal }} options `names` may be empty; `failed` rejects when a
 *   process ends. A registration from before this call doesn't count: it is that of an earlier process of the same name.
 * @returns {Promise<Row[]>} of `names`.
 * @throws the signal's reason if it aborts.
 */
export async function untilReady(registry, { names, certs, failed, signal }) {
  const expiresAt = performance.now() + TIMEOUT_MS;
  const startedAt = new Date();
  return await withRegistry({ registry, certs }, async (list) => {
    for (;;) {
      signal.throwIfAborted();
      const rows = await Promise.race([failed, list(startedAt)]);
      const missing = names.filter((name) => !rows?.some((row) => row.name === name));
      if (rows !== undefined && missing.length === 0) return rows.filter(({ name }) => names.includes(name));
      if (performance.now() > expiresAt)
        throw new Error(`not ready after a minute: ${missing.join(', ') || 'registry'}`);
      await Promise.race([failed, pause()]);
    }
  });
}

/**
 * The instances that take calls.
 * @param {string} registry
 * @param {string} [certs] The folder of the certificates, with TLS.
 * @returns {Promise<Row[]>}
 * @throws {Error} if the registry doesn't answer within a minute.
 */
export async function listReady(registry, certs) {
  const expiresAt = performance.now() + TIMEOUT_MS;
  return await withRegistry({ registry, certs }, async (list) => {
    for (;;) {
      const rows = await list(new Date(0));
      if (rows !== undefined) return rows;
      if (performance.now() > expiresAt)
        throw new Error(`the registry at ${registry} doesn't answer: ./rondo logs registry`);
      await pause();
    }
  });
}

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

async function withRegistry({ registry, certs }, work) {
  const { createChannel, createClient, staticResolver } = await import('@rondo/rpc/client');
  const contracts = await import('@rondo/contracts/rondo/registry/v1/registry');
  const isReady = ({ status, registerTime }, since) =>
    status === contracts.InstanceStatus.INSTANCE_STATUS_SERVING && registerTime >= since;
  const channel = createChannel({ resolver: staticResolver([registry]), ...(await callerTls(certs)) });
  const client = createClient(contracts.RegistryServiceDefinition, { channel });
  try {
    return await work(async (since) => (await list(client))?.filter((one) => isReady(one, since)).map(toRow));
  } finally {
    channel.close();
  }
}

/** Lists all pages; undefined if the registry doesn't answer. */
async function list(client) {
  const instances = [];
  let pageToken = '';
  try {
    do {
      const page = await client.listInstances({ pageToken }, { timeoutMs: 1000 });
      instances.push(...page.instances);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return instances;
  } catch {
    return undefined;
  }
}

function toRow({ instanceId, endpoints, services }) {
  return { name: instanceId, address: endpoints[0]?.address ?? '', services };
}
