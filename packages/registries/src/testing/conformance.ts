import { Instance, InstanceStatus, Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Endpoint } from '@rondo/rpc/client';
import { sleep, systemClock, systemRandom } from '@rondo/rpc/clock';
import type { RegistryAdapter } from '../adapter.js';
import { adapterResolver } from '../resolver.js';

/** An adapter as a process of its own has it. */
export interface ConformanceClient {
  readonly adapter: RegistryAdapter;
  /** Cuts this process off from the registry, without a broken connection; and ends that. */
  cutOff(): void;
  rejoin(): void;
}

/** A registry, and what can happen to it. */
export interface ConformanceRegistry {
  /** How long an adapter's instance lasts without a renewal, at most. Milliseconds. */
  readonly ttlMs: number;
  open(): Promise<ConformanceClient>;
  /** Stops the registry for a while, as `SIGSTOP` does; and ends that. */
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  /** Starts it again at the same address, with what it had or empty. */
  restart(options: { readonly empty: boolean }): Promise<void>;
}

/** A case of the suite. `run` rejects, with what differs, if the registry doesn't conform. */
export interface ConformanceCase {
  readonly name: string;
  run(registry: ConformanceRegistry): Promise<void>;
}

const SERVICE = 'shop.v1.CartService';
const { INSTANCE_STATUS_DRAINING: DRAINING, INSTANCE_STATUS_SERVING: SERVING } = InstanceStatus;
/** How long a registry may take for anything beyond its TTL. */
const PATIENCE_MS = 60_000;

/** What an adapter of `RegistryAdapter` must do, one registry of its own for each case. */
export const registryConformance: readonly ConformanceCase[] = [
  define('lists an instance with all that it registered with, for its service and for all', async (processes) => {
    const kept = await keep(processes, instance('a'));
    const { adapter: other } = await processes.registry.open();
    for (const service of [SERVICE, '']) {
      const [listed] = await firstList(other, service);
      const [written, read] = [instance('a'), listed].map((one) => one && described(one));
      if (written !== read) throw new Error(`of ${service || 'all services'} it lists ${read}, not ${written}`);
    }
    await kept.stop();
  }),
  define('tells of an instance that comes, drains and goes', async (processes) => {
    const watch = await follow(processes);
    await watch.until((ids) => ids === '');
    const kept = await keep(processes, instance('a'));
    await watch.until((ids) => ids === 'a serving');
    await kept.write(instance('a', { status: DRAINING }));
    await watch.until((ids) => ids === 'a draining');
    await kept.stop();
    await watch.until((ids) => ids === '');
  }),
  define('gives an id to the process that started later, and says so to the earlier one', async (processes) => {
    const [{ adapter: first }, { adapter: other }] = await Promise.all([
      processes.registry.open(),
      processes.registry.open(),
    ]);
    await first.write(instance('a'), options(processes));
    const later = await keep(processes, instance('a', { incarnation: 2_000n, version: '2.0.0' }));
    for (const ask of ['renew', 'write'] as const) {
      const outcome = await first[ask](instance('a'), options(processes));
      if (outcome !== 'displaced') throw new Error(`${ask}: the earlier process is told that its entry is ${outcome}`);
    }
    await first.remove(instance('a'), AbortSignal.timeout(PATIENCE_MS));
    const [listed] = await firstList(other, SERVICE);
    if (listed?.version !== '2.0.0') throw new Error(`it lists version ${listed?.version} of the two processes`);
    await later.stop();
  }),
  outage(
    'is frozen',
    (registry) => registry.freeze(),
    (registry) => registry.thaw(),
  ),
  outage(
    'is killed and started again',
    (registry) => registry.kill(),
    (registry) => registry.restart({ empty: false }),
  ),
  outage(
    'is killed and started again empty',
    (registry) => registry.kill(),
    (registry) => registry.restart({ empty: true }),
  ),
  define('drops an instance that is cut off within its TTL, and takes it back', async (processes) => {
    const kept = await keep(processes, instance('a'));
    const watch = await follow(processes);
    await watch.until((ids) => ids === 'a serving');
    kept.client.cutOff();
    const began = systemClock.now();
    await watch.until((ids) => !ids.includes('serving'));
    const tookMs = systemClock.now() - began;
    if (tookMs > 3 * processes.registry.ttlMs) throw new Error(`it kept the instance for ${tookMs} ms`);
    kept.client.rejoin();
    await watch.until((ids) => ids === 'a serving');
    if (watch.departed.length > 0) throw new Error('it said that the instance had left');
    await kept.stop();
  }),
];

type Fault = (registry: ConformanceRegistry) => void | Promise<void>;

/** What is known stays while the registry is away, and renewals bring every instance back. */
function outage(what: string, begin: Fault, end: Fault): ConformanceCase {
  return define(`keeps its clients going while it ${what}`, async (processes) => {
    const kept = await keep(processes, instance('a'));
    const watch = await follow(processes);
    await watch.until((ids) => ids === 'a serving');
    await begin(processes.registry);
    await watch.until((ids, state) => state === 'away' && ids === 'a serving');
    await end(processes.registry);
    const other = await keep(processes, instance('b'));
    await watch.until((ids, state) => state === 'connected' && ids === 'a serving, b serving');
    if (watch.departed.length > 0) throw new Error(`it said that ${watch.departed.join()} had left`);
    await Promise.all([kept.stop(), other.stop()]);
  });
}

/** The processes of one case, which end with it, whether it passes or not. */
interface Processes {
  readonly registry: ConformanceRegistry;
  onEnd(end: () => void): void;
}

function define(name: string, test: (processes: Processes) => Promise<void>): ConformanceCase {
  return {
    name,
    async run(registry) {
      const ends: (() => void)[] = [];
      try {
        await test({ registry, onEnd: (end) => void ends.push(end) });
      } finally {
        for (const end of ends) end();
      }
    },
  };
}

function instance(instanceId: string, fields: Partial<Instance> = {}): Instance {
  return Instance.fromPartial({
    instanceId,
    incarnation: 1_000n,
    endpoints: [
      {
        address: '127.0.0.1:40001',
        protocols: [Protocol.PROTOCOL_GRPC, Protocol.PROTOCOL_FRAMES],
        security: Security.SECURITY_PLAINTEXT,
        minPingInterval: { seconds: 0n, nanos: 200_000_000 },
      },
    ],
    services: [SERVICE, 'shop.v1.StockService'],
    zone: 'eu/a',
    version: '1.2.3',
    weight: 50,
    metadata: { color: 'blue', name: 'Zoë' },
    status: SERVING,
    fingerprints: { [SERVICE]: 'b11ef944f1cdf28b' },
    ...fields,
  });
}

/** All fields that a client uses, but not the order of services. */
function described(listed: Instance): string {
  const { services, ...rest } = listed;
  return JSON.stringify({ ...rest, services: services.toSorted() }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function options({ registry }: Processes) {
  return { ttlMs: registry.ttlMs, signal: AbortSignal.timeout(PATIENCE_MS) };
}

/** Registers an instance from a process of its own, and renews it as a service does, until it is stopped. Resolves once it is registered. */
async function keep(processes: Processes, kept: Instance) {
  const client = await processes.registry.open();
  const { adapter } = client;
  const ending = new AbortController();
  processes.onEnd(() => ending.abort());
  let entry = kept;
  const write = async (written: Instance) => {
    entry = written;
    const outcome = await adapter.write(entry, options(processes));
    if (outcome !== 'held') throw new Error(`it doesn't take ${entry.instanceId}: ${outcome}`);
  };
  const loop = async (onHeld: () => void) => {
    for (let isHeld = false; !ending.signal.aborted; ) {
      try {
        if (!isHeld) await write(entry);
        onHeld();
        isHeld = (await adapter.renew(entry, options(processes))) === 'held';
        if (isHeld) await sleep(systemClock, processes.registry.ttlMs / 3, ending.signal).catch(() => undefined);
      } catch {
        isHeld = false; // it is away, and cases end only once it has come back
        await sleep(systemClock, 100, ending.signal).catch(() => undefined);
      }
    }
  };
  let renewals = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    renewals = loop(resolve);
    processes.onEnd(() => reject(new Error('the case has ended')));
  });
  return {
    client,
    write,
    async stop() {
      ending.abort();
      await renewals;
      await adapter.remove(entry, AbortSignal.timeout(PATIENCE_MS));
    },
  };
}

async function firstList(adapter: RegistryAdapter, service: string): Promise<readonly Instance[]> {
  const ending = new AbortController();
  try {
    for await (const listed of adapter.watch(service, ending.signal)) if (listed?.length) return listed;
  } finally {
    ending.abort();
  }
  throw new Error('the watch ended without an instance');
}

/** Follows the instances as a channel does, from a process of its own. */
async function follow(processes: Processes) {
  const { adapter } = await processes.registry.open();
  const resolver = adapterResolver(adapter, { clock: systemClock, random: systemRandom });
  processes.onEnd(() => resolver.close());
  let endpoints: readonly Endpoint[] | undefined;
  const departed: string[] = [];
  const handle = resolver.resolve(SERVICE, {
    onResolution(resolution) {
      endpoints = resolution.endpoints;
      departed.push(...resolution.departed);
    },
    onFailure: () => undefined,
    onPending: () => undefined,
  });
  const ids = () =>
    endpoints
      ?.map(({ instanceId, state }) => `${instanceId} ${state}`)
      .toSorted()
      .join(', ');
  return {
    departed,
    async until(met: (ids: string, state: string | undefined) => boolean): Promise<void> {
      const isMet = () => endpoints !== undefined && met(ids() ?? '', handle.inspect?.().state);
      for (const began = systemClock.now(); !isMet(); await sleep(systemClock, 20)) {
        if (systemClock.now() - began < PATIENCE_MS + processes.registry.ttlMs) continue;
        throw new Error(`it lists ${ids() || 'nothing'}, and is ${handle.inspect?.().state}`);
      }
    },
  };
}
