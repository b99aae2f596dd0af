import { setImmediate } from 'node:timers/promises';
import type { LeaseDefinition } from '@rondo/contracts/etcd-v3/rpc';
import type { Client } from '@rondo/rpc/client';
import { type Clock, sleep, systemClock, type Timer } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';
import type { Etcd, KeyWatchEvent } from '../../src/adapters/etcd-store/etcd-client.js';

interface VirtualLease {
  readonly id: bigint;
  readonly ttlMs: number;
  untilMs: number;
}

/** Longer than any test. */
const REAL_TTL_MS = 3_600_000;

/** An etcd whose leases run out by a clock that the test moves; everything else is real. */
interface VirtualEtcd extends Etcd {
  /** The clock for waiting for etcd: the system clock, with its pending timers known. */
  readonly ioClock: Clock;
  /** The revisions at which the key `head` was written, in order. */
  readonly heads: readonly bigint[];
}

/**
 * Grants etcd leases of an hour and revokes each when `clock` reaches its expiry. So a test of minutes takes only as
 * long as etcd's calls, and knows to the millisecond when each lease ends.
 */
export function withVirtualLeases(
  etcd: Etcd,
  { clock, lease, head }: { clock: PacedClock; lease: Client<typeof LeaseDefinition>; head: Buffer },
): VirtualEtcd {
  const leases = new Map<bigint, VirtualLease>();
  const heads: bigint[] = [];
  let underWay = 0;
  let expected = 0n;
  let delivered = 0n;
  const timers = new Set<object>();
  const during = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
    }
  };
  const ioClock: Clock = {
    now: () => systemClock.now(),
    setTimer(delayMs, callback, options) {
      const pending = {};
      // A longer timer is a timeout that isn't expected to fire.
      if (delayMs <= 300) timers.add(pending);
      const timer: Timer = systemClock.setTimer(
        delayMs,
        () => {
          timers.delete(pending);
          callback();
        },
        options,
      );
      return {
        cancel() {
          timers.delete(pending);
          timer.cancel();
        },
      };
    },
  };
  const revoke = async ({ id }: VirtualLease): Promise<void> => {
    leases.delete(id);
    const { keys } = await lease.leaseTimeToLive({ ID: id, keys: true });
    const { header } = await lease.leaseRevoke({ ID: id });
    if (keys.length > 0 && header !== undefined && header.revision > expected) expected = header.revision;
  };
  const virtual: VirtualEtcd = {
    ...etcd,
    ioClock,
    heads,
    commit: (conditions, steps, otherwise) =>
      during(async () => {
        const committed = await etcd.commit(conditions, steps, otherwise);
        const puts = steps.flatMap(({ request }) => (request?.$case === 'requestPut' ? [request.value.key] : []));
        const writes = steps.some(({ request }) => request !== undefined && request.$case !== 'requestRange');
        if (committed.succeeded && writes && committed.revision > expected) expected = committed.revision;
        if (committed.succeeded && puts.some((key) => key.equals(head))) insert(heads, committed.revision);
        return committed;
      }),
    grant: (id, ttlMs) =>
      during(async () => {
        await etcd.grant(id, REAL_TTL_MS);
        leases.set(id, { id, ttlMs, untilMs: clock.now() + ttlMs });
      }),
    keepAlive: (id) =>
      during(async () => {
        const held = leases.get(id);
        if (held !== undefined) held.untilMs = clock.now() + held.ttlMs;
        return (await etcd.keepAlive(id)) && held !== undefined;
      }),
    async *watch(range, startRevision, signal): AsyncGenerator<KeyWatchEvent> {
      for await (const news of etcd.watch(range, startRevision, signal)) {
        // A change may arrive on the watch before its caller gets the answer.
        const changes = news.kind === 'events' ? news.events : [];
        for (const { key, revision } of changes) if (key.equals(head)) insert(heads, revision);
        yield news;
        // The store has pulled again, so it has applied the last event.
        if (news.kind === 'events') delivered = news.events.at(-1)?.revision ?? delivered;
        if (news.kind === 'created' && delivered < startRevision - 1n) delivered = startRevision - 1n;
      }
    },
  };
  clock.pace({
    nextMs: () =>
      [...leases.values()].reduce<number | undefined>(
        (least, { untilMs }) => (least === undefined || untilMs < least ? untilMs : least),
        undefined,
      ),
    async act(nowMs) {
      await Promise.all([...leases.values()].filter(({ untilMs }) => untilMs <= nowMs).map(revoke));
    },
    async quiet() {
      for (let calm = 0; calm < 3; ) {
        await setImmediate();
        const isCalm = underWay === 0 && timers.size === 0 && delivered >= expected;
        calm = isCalm ? calm + 1 : 0;
        if (!isCalm) await sleep(systemClock, 1);
      }
    },
  });
  return virtual;
}

function insert(sorted: bigint[], value: bigint): void {
  if (sorted.includes(value)) return;
  const index = sorted.findLastIndex((other) => other < value);
  sorted.splice(index + 1, 0, value);
}

/** Something outside of this process that follows a clock which a test moves. */
interface Paced {
  /** When it acts next. */
  nextMs(): number | undefined;
  /** Does what is due. */
  act(nowMs: number): Promise<void>;
  /** Resolves once it is idle. */
  quiet(): Promise<void>;
}

/** A clock that a test moves. It waits at each step until everything that follows it has acted. */
export class PacedClock extends ManualClock {
  readonly #paced = new Set<Paced>();

  pace(paced: Paced): void {
    this.#paced.add(paced);
  }

  override async advance(ms: number): Promise<void> {
    const untilMs = this.now() + ms;
    for (let dueMs = this.#nextMs(untilMs); dueMs !== undefined; dueMs = this.#nextMs(untilMs)) {
      await super.advance(Math.max(0, dueMs - this.now()));
      await this.#act();
    }
    await super.advance(untilMs - this.now());
    await this.#act();
  }

  #nextMs(untilMs: number): number | undefined {
    const times = [...this.#paced].flatMap((paced) => paced.nextMs() ?? []).filter((at) => at <= untilMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #act(): Promise<void> {
    for (const paced of this.#paced) {
      await paced.act(this.now());
      await paced.quiet();
    }
  }
}
