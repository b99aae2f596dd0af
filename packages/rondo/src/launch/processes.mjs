/** Starts, supervises, replaces and stops the processes of services. */
import { firstToEnd, startChild, stopChildren } from './children.mjs';
import { REGISTRY } from './manifests.mjs';
import { metricsAddress } from './plan.mjs';
import { untilReady } from './ready.mjs';

/** How long a successor waits for its dependencies, and then for the ports of its predecessor. */
const HANDOVER_MS = 60_000;

/**
 * @param {{ options: import('./options.mjs').Options, supervisor: import('./supervisor.mjs').Supervisor, registry: string,
 *   warn: (line: string) => void, note: () => void, signal: AbortSignal }} settings `note` is called when the set of running
 *   processes changes; the signal aborts when the system closes.
 */
export function createProcesses({
  options: { data, certs, metrics },
  supervisor,
  registry,
  warn,
  note,
  signal: closing,
}) {
  /** The processes that were stopped on request. */
  const stopped = new WeakSet();

  const spawn = (entry, planned, { append = false, variables = {} } = {}) => {
    const env = { ...entry.env, ...(metrics && { RONDO_METRICS: metricsAddress(planned) }), ...variables };
    const child = startChild(planned, { data, certs, env, warn, append });
    void child.ended.then(() => closing.aborted || note());
    return child;
  };

  const replace = (entry, name) => {
    const planned = entry.planned.find((one) => one.name === name);
    const child = spawn(entry, planned, { append: true });
    entry.children = entry.children.map((one) => (one.name === name ? child : one));
    note();
    return child;
  };

  const restart = async (entry, name) => {
    const child = replace(entry, name);
    supervise(entry, child);
    try {
      await untilUp(registry, { manifest: entry.manifest, children: [child], certs }, closing);
      return true;
    } catch {
      return false; // it has ended, which the supervisor learns, or it is still starting
    }
  };

  const supervise = (entry, child) => {
    void child.ended.then((how) => {
      if (closing.aborted || stopped.has(child)) return;
      supervisor.ended(child.name, how, () => restart(entry, child.name));
    });
  };

  const stop = async (children) => {
    for (const child of children) {
      stopped.add(child);
      supervisor.forget(child.name);
    }
    await stopChildren(children);
  };

  return {
    spawn,
    stop,
    /**
     * Starts successors of running processes, and waits until nothing is missing but their ports. Until then the others serve. If
     * one ends, or the signal aborts, all are killed.
     */
    async prepare(entry, planned, signal) {
      signal.throwIfAborted();
      const variables = { RONDO_HANDOVER_MS: String(HANDOVER_MS) };
      const children = planned.map((one) => spawn(entry, one, { append: true, variables }));
      const prepared = Promise.all(children.map((child) => child.prepared));
      const aborted = new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      try {
        await Promise.race([prepared, firstToEnd(children), aborted]);
        signal.throwIfAborted();
        return children;
      } catch (error) {
        for (const { kill } of children) kill('SIGKILL');
        throw error;
      }
    },
    /** Waits until `children` of a service are ready, and supervises them from then on. If one ends, `giveUp` stops them. */
    async bringUp(entry, children, { signal, giveUp }) {
      const superviseAll = () => {
        for (const child of children) supervise(entry, child);
      };
      try {
        const rows = await untilUp(registry, { manifest: entry.manifest, children, certs }, signal);
        superviseAll();
        return rows;
      } catch (error) {
        if (signal.aborted) superviseAll();
        else await giveUp();
        throw error;
      }
    },
  };
}

/** @param {string} address */
export const registryRow = (address) => ({
  name: REGISTRY,
  address,
  services: ['rondo.registry.v1.RegistryService'],
});

/** Waits until the registry answers, or until the given instances of a service take calls. */
async function untilUp(registry, { manifest, children, certs }, signal) {
  const isRegistry = manifest.service === REGISTRY;
  const names = isRegistry ? [] : children.map(({ name }) => name);
  const rows = await untilReady(registry, { names, certs, failed: firstToEnd(children), signal });
  return isRegistry ? [registryRow(registry)] : rows;
}
