// The client of control runs.
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createCaller } from './caller.mjs';
import { CONTRACT } from './contract.mjs';

const POLL_MS = 200;

/** A client that calls every instance that the registry lists in turn, whatever becomes of the calls, and retries nothing. */
export function createNaiveClient(registry) {
  const channel = createChannel({ resolver: staticResolver([registry]) });
  const directory = createClient(RegistryServiceDefinition, { channel });
  const peers = new Map();
  let turn = 0;

  async function poll() {
    const { instances } = await directory.listInstances({ service: CONTRACT.fullName });
    const listed = new Set(instances.map(({ instanceId }) => instanceId));
    for (const { instanceId, endpoints } of instances) {
      if (!peers.has(instanceId)) peers.set(instanceId, openPeer(instanceId, endpoints[0].address));
    }
    for (const [id, peer] of peers) {
      if (listed.has(id)) continue;
      peer.channel.close();
      peers.delete(id);
    }
  }

  const polling = setInterval(() => poll().catch(() => undefined), POLL_MS);
  return {
    known: () => peers.size,
    call(options) {
      turn += 1;
      return [...peers.values()][turn % peers.size].call(options);
    },
    close() {
      clearInterval(polling);
      for (const peer of peers.values()) peer.channel.close();
      channel.close();
    },
  };
}

function openPeer(id, address) {
  const channel = createChannel({ resolver: staticResolver([address]) });
  const call = createCaller(channel);
  return {
    channel,
    async call(options) {
      const done = await call(options);
      return { ...done, instance: id };
    },
  };
}
