import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
import type { RegistryOptions } from '../load/naive-resolver.js';
import { toInstance } from './registry.js';

const SERVICE = 'chaos.v1.MarkerService';
const LASTING = { seconds: 600n, nanos: 0 };
const SECRET_BYTES = 32;
/** How often a marker is registered, and how many are registered at a time. */
const EVERY_MS = 200;
const MAX_PRESENT = 20;
const LOOK_MS = 20;
/** Both the registry's failover and an election of etcd fit in. */
const TIMEOUT_MS = 3_000;
const ATTEMPTS = 10;

/** Starts a client that records which markers it knows, all the time, through any of the registries. */
export function watchMarkers({ registry: registries, mutualTls }: RegistryOptions) {
  const channel = createRegistryChannel({ registry: registries, mutualTls });
  channel.follow(SERVICE);
  const came = new Set<string>();
  const went = new Set<string>();
  const view = () => channel.inspect().find(({ service }) => service === SERVICE);
  const timer = setInterval(() => {
    const present = new Set(view()?.endpoints.map(({ instanceId }) => instanceId));
    for (const id of present) came.add(id);
    for (const id of came) if (!present.has(id)) went.add(id);
  }, LOOK_MS);
  return {
    /** The registry that it watches; undefined if none answers. */
    get registry() {
      return view()?.source?.address;
    },
    /** The markers that it has seen come, and go. */
    came,
    went,
    close() {
      clearInterval(timer);
      channel.close();
    },
  };
}

/** Registers markers and deregisters each, one after the other, through any registry that answers. */
export function startMarking({ registry: registries, mutualTls }: RegistryOptions) {
  const channel = createChannel({ resolver: staticResolver(registries), mutualTls });
  const registry = createClient(RegistryServiceDefinition, { channel });
  const ids: string[] = [];
  const present: { readonly instanceId: string; readonly leaseId: string }[] = [];
  let ending = false;

  async function register(): Promise<void> {
    const instanceId = `chaos-${ids.length + 1}`;
    const marker = { instanceId, address: '127.0.0.1:1', service: SERVICE };
    const instance = toInstance({ ...marker, secure: mutualTls !== undefined });
    // With a sequence, so that a call that arrives after the marker was deregistered doesn't bring it back; with a secret, so that
    // a call that is tried again gets the same lease.
    const request = { instance, ttl: LASTING, sequence: 1n, secret: randomBytes(SECRET_BYTES) };
    const { leaseId } = await insist(() => registry.register(request, { timeoutMs: TIMEOUT_MS }));
    ids.push(instanceId);
    present.push({ instanceId, leaseId });
  }
  async function deregister(): Promise<void> {
    const marker = present.shift();
    if (marker !== undefined)
      await insist(() => registry.deregister({ ...marker, sequence: 2n }, { timeoutMs: TIMEOUT_MS }));
  }
  async function run(): Promise<void> {
    while (!ending) {
      await register();
      if (present.length > MAX_PRESENT) await deregister();
      await delay(EVERY_MS);
    }
    while (present.length > 0) await deregister();
  }
  const done = run();
  // `stop` rejects with a failure.
  done.catch(() => undefined);
  return {
    /** Waits until each marker is out again; gives their ids. */
    async stop(): Promise<readonly string[]> {
      ending = true;
      await done.finally(() => channel.close());
      return ids;
    },
  };
}

/** Repeats a call that fails: the scenario looks at watches, and not at writes. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await delay(EVERY_MS);
    }
  }
}
