// Instances that register, renew and register again by themselves, as often as Rondo's services do.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './connection.mjs';
import { instance, instanceId } from './instances.mjs';

const CANCELLED = 1;
const NOT_FOUND = 5;
const RETRY_BASE_MS = 100;
/** An instance that repeats its registration with the same secret, as the reply was lost, gets the same lease. */
const SECRET = randomBytes(32);
const TTL_MS = 10_000;
/** The TTL of leases that aren't renewed, so that changes can be measured alone. */
const LONG_TTL_MS = 600_000;

/** The leases of some instances. */
export class Leases {
  #address;
  #services;
  #spreadMs;
  #renewing;
  #channels;
  #tally = newTally();
  #holders = new Map();

  /**
   * @param options `first` and `count`: which instances; `spreadMs`: the time over which they register; `renewing`: whether they
   *   renew, at a third of a TTL of 10 s.
   */
  constructor({ address, connections, services, first, count, spreadMs, renewing }) {
    this.#address = address;
    this.#services = services;
    this.#spreadMs = spreadMs;
    this.#renewing = renewing;
    this.#channels = Array.from({ length: Math.min(connections, count) }, () => connect(address));
    for (let index = first; index < first + count; index += 1) {
      const holder = { index, lease: undefined, sequence: 0n, wake: undefined };
      this.#holders.set(index, holder);
      void this.#keep(holder);
    }
  }

  registered() {
    return [...this.#holders.values()].filter(({ lease }) => lease !== undefined).length;
  }

  /** The tally since it was last taken. */
  take() {
    const taken = this.#tally;
    this.#tally = newTally();
    return taken;
  }

  async update(index, metadata) {
    const holder = this.#holders.get(index);
    holder.sequence += 1n;
    const request = { leaseId: holder.lease, instanceId: instanceId(index), metadata, updateMask: ['metadata'] };
    await this.#channelOf(index).update({ ...request, sequence: holder.sequence });
  }

  /** Has leases renewed from now on, or no longer. */
  setRenewing(value) {
    this.#renewing = value;
    for (const holder of this.#holders.values()) {
      if (value) setTimeout(() => holder.wake?.(), Math.random() * (TTL_MS / 3));
    }
  }

  /** Breaks every connection, and has all instances renew at once over new ones; gives how long that took in all. */
  async reconnect() {
    this.take();
    for (const channel of this.#channels) channel.close();
    this.#channels = this.#channels.map(() => connect(this.#address));
    const startedAt = performance.now();
    for (const { wake } of this.#holders.values()) wake?.();
    while (this.#tally.renewed + this.#tally.registered < this.#holders.size) await sleep(5);
    return { ms: performance.now() - startedAt, ...this.take() };
  }

  async #keep(holder) {
    await pause(holder, Math.random() * this.#spreadMs);
    for (let failures = 0; ; ) {
      try {
        await this.#call(holder);
        failures = 0;
        await pause(holder, this.#nextRenewalMs());
      } catch (error) {
        if (error.code === NOT_FOUND) {
          this.#tally.forgotten += 1;
          holder.lease = undefined;
        } else if (error.code !== CANCELLED) {
          this.#tally.failed += 1;
          await pause(holder, Math.random() * Math.min(TTL_MS / 3, RETRY_BASE_MS * 2 ** failures++));
        }
      }
    }
  }

  async #call(holder) {
    const { index, lease } = holder;
    const channel = this.#channelOf(index);
    if (lease === undefined) {
      holder.sequence += 1n;
      const seconds = BigInt((this.#renewing ? TTL_MS : LONG_TTL_MS) / 1000);
      const described = instance(index, this.#services);
      const request = { instance: described, ttl: { seconds, nanos: 0 }, sequence: holder.sequence, secret: SECRET };
      holder.lease = (await channel.register(request)).leaseId;
      this.#tally.registered += 1;
    } else {
      await channel.renew({ leaseId: lease, instanceId: instanceId(index) });
      this.#tally.renewed += 1;
    }
  }

  #channelOf(index) {
    return this.#channels[index % this.#channels.length];
  }

  #nextRenewalMs() {
    return this.#renewing ? (TTL_MS / 3) * (0.8 + 0.2 * Math.random()) : LONG_TTL_MS / 3;
  }
}

/** Waits for `ms`, or until `holder.wake` is called. */
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

const newTally = () => ({ registered: 0, renewed: 0, failed: 0, forgotten: 0 });
