import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import type { RegistryAdapter } from '../src/exports/index.js';
import type { ConformanceRegistry } from '../src/exports/testing.js';

const TTL_MS = 300;

/** What is wrong with a registry, for the tests of the suite itself. */
export interface Flaws {
  /** What it makes of an instance before it lists it. */
  readonly alter?: (instance: Instance) => Instance;
  /** Whether the earlier of two processes keeps an id. */
  readonly earlierWins?: boolean;
}

/** A registry in memory, with the faults of the suite. */
export function memoryRegistry({
  alter = (instance) => instance,
  earlierWins = false,
}: Flaws = {}): ConformanceRegistry {
  const entries = new Map<string, { instance: Instance; expiresAt: number }>();
  let isAway = false;
  const open = (path: { cut: boolean }): RegistryAdapter => {
    const ask = () => {
      if (isAway || path.cut) throw new Error('away');
    };
    const displaced = ({ instanceId, incarnation }: Instance) =>
      !earlierWins && (entries.get(instanceId)?.instance.incarnation ?? 0n) > incarnation;
    const hold = (instance: Instance) => entries.set(instance.instanceId, { instance, expiresAt: Date.now() + TTL_MS });
    return {
      address: 'memory://',
      async *watch(service, signal) {
        let before = '';
        while (!signal.aborted) {
          ask();
          const live = [...entries.values()].filter(({ expiresAt }) => expiresAt > Date.now());
          const named = live.map(({ instance }) => alter(instance));
          const listed = named.filter(({ services }) => service === '' || services.includes(service));
          const now = JSON.stringify(listed, (_, value) => (typeof value === 'bigint' ? String(value) : value));
          yield now === before ? undefined : listed;
          before = now;
          await sleep(10);
        }
      },
      async write(instance) {
        ask();
        if (displaced(instance)) return 'displaced';
        hold(instance);
        return 'held';
      },
      async renew(instance) {
        ask();
        if (displaced(instance)) return 'displaced';
        if ((entries.get(instance.instanceId)?.expiresAt ?? 0) < Date.now()) return 'forgotten';
        hold(instance);
        return 'held';
      },
      async remove(instance) {
        ask();
        if (!displaced(instance)) entries.delete(instance.instanceId);
      },
      close: async () => undefined,
    };
  };
  return {
    ttlMs: TTL_MS,
    async open() {
      const path = { cut: false };
      return {
        adapter: open(path),
        cutOff() {
          path.cut = true;
        },
        rejoin() {
          path.cut = false;
        },
      };
    },
    freeze() {
      isAway = true;
    },
    thaw() {
      isAway = false;
    },
    async kill() {
      isAway = true;
    },
    async restart({ empty }) {
      if (empty) entries.clear();
      isAway = false;
    },
  };
}
