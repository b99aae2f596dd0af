// Instances that register, renew and come back by themselves, at the rhythm that Rondo's services keep.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './connection.mjs';
import { instance, instanceId } from './instances.mjs';
import { quantiles } from './quantiles.mjs';

const CANCELLED = 1;
const NOT_FOUND = 5;
const RETRY_BASE_MS = 100;
const TTL_MS = 10_000;
/** Of leases that nobody renews meanwhile, so that changes can be measured alone. */
const LONG_TTL_MS = 600_000;

/**
 * Holds the leases of some instances.
 *
 * @param options `first`, `count`: which; `spreadMs`: over how long they begin; `renewing`: whether at a third of a 10 s TTL,
 *   or not at all.
 */
export function holdLeases({ address, connections, first, count, services, spreadMs, renewing }) {
  const tally = newTally();
  const stopping = new AbortController();
  const holders = new Map();
  let channels = Array.from({ length: Math.min(connections, count) }, () => connect(address));

  function hold(index) {
    const holder = { index, lease: undefined, sequence: 0n, wake: undefined };
    holders.set(index, holder);
    void keep(holder);
  }

  async function keep(holder) {
    await pause(holder, Math.random() * spreadMs);
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        await call(holder);
        failures = 0;
        await pause(holder, nextRenewalMs());
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (error.code === NOT_FOUND) {
          tally.forgotten += 1;
          holder.lease = undefined;
        } else if (error.code !== CANCELLED) {
          tally.failed += 1;
          tally.lastFailure = error.message;
          await pause(holder, Math.random() * Math.min(TTL_MS / 3, RETRY_BASE_MS * 2 ** failures++));
        }
      }
    }
  }

  async function call(holder) {
    const { index, lease } = holder;
    const channel = channels[index % channels.length];
    const startedAt = performance.now();
    if (lease === undefined) {
      holder.sequence += 1n;
      const seconds = BigInt((renewing ? TTL_MS : LONG_TTL_MS) / 1000);
      const request = { instance: instance(index, services), ttl: { seconds, nanos: 0 }, sequence: holder.sequence };
      holder.lease = (await channel.register(request)).leaseId;
      tally.registered += 1;
    } else {
      await channel.renew({ leaseId: lease, instanceId: instanceId(index) });
      tally.renewed += 1;
    }
    tally.latenciesMs.push(performance.now() - startedAt);
  }

  function nextRenewalMs() {
    return renewing ? (TTL_MS / 3) * (0.8 + 0.2 * Math.random()) : LONG_TTL_MS / 3;
  }

  for (let index = first; index < first + count; index += 1) hold(index);
  return {
    registered: () => [...holders.values()].filter(({ lease }) => lease !== undefined).length,
    /** The tally since the last time it was taken. */
    take: () => summary(tally),
    async update(index, metadata) {
      const holder = holders.get(index);
      holder.sequence += 1n;
      const request = { leaseId: holder.lease, instanceId: instanceId(index), metadata, updateMask: ['metadata'] };
      await channels[index % channels.length].update({ ...request, sequence: holder.sequence });
    },
    /** Whether leases are renewed from now on. */
    setRenewing(value) {
      renewing = value;
      for (const holder of holders.values()) {
        if (value) setTimeout(() => holder.wake?.(), Math.random() * (TTL_MS / 3));
      }
    },
    /** Breaks every connection, and has everybody renew at once over a new one; gives how long that took in all. */
    async reconnect() {
      summary(tally);
      for (const channel of channels) channel.close();
      channels = channels.map(() => connect(address));
      const startedAt = performance.now();
      for (const { wake } of holders.values()) wake?.();
      while (tally.renewed + tally.registered < holders.size) await sleep(5);
      return { ms: performance.now() - startedAt, ...summary(tally) };
    },
    close() {
      stopping.abort();
      for (const { wake } of holders.values()) wake?.();
      for (const channel of channels) channel.close();
    },
  };
}

/** Waits, unless somebody wakes it: then at once. */
function pause(holder, ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      holder.wake = undefined;
      resolve();
    };
    const timer = setTimeout(done, ms);
    holder.wake = done;
  });
}

function newTally() {
  return { registered: 0, renewed: 0, failed: 0, forgotten: 0, lastFailure: undefined, latenciesMs: [] };
}

function summary(tally) {
  const { latenciesMs, ...counts } = tally;
  Object.assign(tally, newTally());
  return { ...counts, ...quantiles(latenciesMs) };
}
