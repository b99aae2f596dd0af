import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { WatchAborted, WatchUnavailable } from '../../src/sync/errors.js';
import {
  countUp,
  itemOf,
  itemsOf,
  type Replica,
  rowsOf,
  type SyncFixture,
  startFixture,
  write,
  writeAndDie,
  writeTogether,
} from './fixture.js';

const TOPICS = ['a', 'b', 'c'];
const ITEMS = 5;
const SMALL = { sweepMs: 30, mailboxSize: 12, trimMs: 20, historyRows: 20, minHistoryMs: 0 };

let fixture: SyncFixture;

interface Run {
  /** The writers' choices follow from it; the timing doesn't. */
  readonly seed: number;
  readonly steps: number;
}

/** The tests of as many seeds, each with as many writes and failures. */
export function describeExactness(seeds: readonly number[], steps: number): void {
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.stop());

  it.each(seeds)('every watcher receives each change once and in order through all failures (seed %i)', (seed) =>
    followThroughFailures({ seed, steps }),
  );
}

/** Marsaglia's xorshift32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A few replicas, one of which is closed and replaced at times. */
function openReplicas(random: () => number) {
  const replicas = [1, 2, 3].map(() => fixture.openReplica(SMALL));
  const index = () => Math.floor(random() * replicas.length);
  return {
    any(): Replica {
      const replica = replicas[index()];
      if (replica === undefined) throw new Error('no replica');
      return replica;
    },
    async replaceOne(): Promise<void> {
      const [closed] = replicas.splice(index(), 1, fixture.openReplica(SMALL));
      await closed?.close();
    },
    async close(): Promise<void> {
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

type Replicas = ReturnType<typeof openReplicas>;

interface Watched {
  readonly topic: string;
  /** The items in a part of a snapshot. */
  readonly size: number;
}

/** Watches a topic as a client does: after a break it resumes with its last token. */
function startWatcher(replicas: Replicas, { topic, size }: Watched, random: () => number) {
  const state = new Map<number, number>();
  const faults: string[] = [];
  const stop = new AbortController();
  const counts = { snapshots: 0, changes: 0, breaks: 0 };
  let resumeToken: string | undefined;
  let complete = false;

  const apply = (payload: unknown): void => {
    const { id, value } = itemOf(payload);
    const known = state.get(id) ?? 0;
    if (value !== known + 1) faults.push(`${topic}: item ${id} went from ${known} to ${value}`);
    state.set(id, value);
    counts.changes += 1;
  };
  const followOnce = async (): Promise<void> => {
    const options = { topic, resumeToken, snapshot: itemsOf(topic, size), rowsOf, signal: stop.signal };
    for await (const event of replicas.any().sync.watch(options)) {
      if (event.kind === 'snapshot') {
        if (event.first) state.clear();
        for (const { id, value } of event.part) state.set(id, value);
        complete = event.last;
        if (event.last) counts.snapshots += 1;
      } else apply(event.payload);
      resumeToken = event.resumeToken;
      // Some read slowly. Some leave, even during a snapshot, and some of those return late.
      if (random() < 0.1)
        for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      if (random() < 0.05) {
        if (random() < 0.5) await pause(100);
        return;
      }
    }
  };
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await new Promise((resolve) => setImmediate(resolve));
      await followOnce().catch((error: unknown) => {
        if (error instanceof WatchAborted || error instanceof WatchUnavailable || stop.signal.aborted) return;
        faults.push(String(error));
        stop.abort();
      });
      counts.breaks += 1;
    }
  };
  const following = follow();
  return {
    topic,
    faults,
    counts,
    knows: (items: string) => complete && JSON.stringify([...state].toSorted()) === items,
    async end(): Promise<void> {
      stop.abort();
      await following;
    },
  };
}

/** Prepares a transaction; returns the function that ends it. */
async function prepare(topic: string, id: number, name: string): Promise<(commit: boolean) => Promise<unknown>> {
  await fixture.admin.transaction(async (transaction) => {
    await countUp(transaction, topic, id);
    await transaction.script(`PREPARE TRANSACTION '${name}'; BEGIN`);
  });
  return (commit) => fixture.admin.query(`${commit ? 'COMMIT' : 'ROLLBACK'} PREPARED '${name}'`);
}

async function runWriters(replicas: Replicas, random: () => number, { seed, steps }: Run): Promise<void> {
  const below = (count: number) => Math.floor(random() * count);
  const inDoubt: ((commit: boolean) => Promise<unknown>)[] = [];
  for (let step = 0; step < steps; step += 1) {
    const topic = TOPICS[below(TOPICS.length)] ?? 'a';
    const replica = replicas.any();
    const choice = random();
    if (choice < 0.02) await replicas.replaceOne();
    else if (choice < 0.04) {
      await fixture.admin.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rondo-sync'",
      );
    } else if (choice < 0.1) {
      // An item of its own, because a prepared transaction locks its row.
      inDoubt.push(await prepare(topic, 1_000 + step, `${seed}-${step}`));
    } else if (choice < 0.18) await inDoubt.splice(below(inDoubt.length), 1)[0]?.(random() < 0.7);
    else if (choice < 0.35) await writeAndDie(replica, topic, below(ITEMS));
    else if (choice < 0.5) await writeTogether(replica, topic, below(ITEMS), ITEMS + below(ITEMS));
    else if (choice < 0.55)
      await Promise.all(TOPICS.map((each) => write(replica, each, below(ITEMS), ITEMS + below(ITEMS))));
    else await write(replica, topic, below(ITEMS));
  }
  for (const end of inDoubt) await end(true);
}

async function stateOf(topic: string): Promise<string> {
  const sql = 'SELECT id, value FROM item WHERE topic = $1';
  const items = await fixture.admin.query<{ id: number; value: number }>(sql, [topic]);
  return JSON.stringify(items.map(({ id, value }) => [id, value]).toSorted());
}

async function followThroughFailures({ seed, steps }: Run): Promise<void> {
  await fixture.admin.query('TRUNCATE item');
  const random = randomFrom(seed);
  const replicas = openReplicas(random);
  const watchers = Array.from({ length: 12 }, (_, index) => {
    const watched = { topic: TOPICS[index % TOPICS.length] ?? 'a', size: index % 2 === 0 ? 1 : 1_000 };
    return startWatcher(replicas, watched, randomFrom(seed * 100 + index));
  });
  try {
    await runWriters(replicas, random, { seed, steps });
    const states = new Map(await Promise.all(TOPICS.map(async (topic) => [topic, await stateOf(topic)] as const)));
    const behind = () => watchers.filter(({ topic, knows }) => !knows(states.get(topic) ?? ''));
    const faults = () => watchers.flatMap((watcher) => watcher.faults);
    while (behind().length > 0 && faults().length === 0) await pause(10);
    expect(faults()).toEqual([]);
  } finally {
    await Promise.all(watchers.map(({ end }) => end()));
    await replicas.close();
  }
  // The test did exercise breaks, snapshots and changes.
  const total = (count: 'snapshots' | 'changes' | 'breaks') =>
    watchers.reduce((sum, { counts }) => sum + counts[count], 0);
  expect(total('breaks')).toBeGreaterThan(24);
  expect(total('snapshots')).toBeGreaterThanOrEqual(12);
  expect(total('changes')).toBeGreaterThan(steps);
}
