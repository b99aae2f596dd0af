import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { DatabaseUnavailable, TooManyCalls } from './errors.js';
import { OutageWaiter } from './outage-wait.js';
import { Pace } from './pace.js';
import { createShare, type ShareOptions } from './share.js';
import type { Database } from './sql.js';
import { eventually } from './testing/test-postgres.js';

const fakeDatabase = (given: object) => {
  const database = { check: async () => undefined, ...given };
  return { ...database, outage: new OutageWaiter(() => database.check()) } as unknown as Database;
};

/** A pool whose statements end when the test ends them. */
function startPool(options: ShareOptions) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const query = (sql: string) =>
    new Promise<never[]>((resolve) => {
      begun.push(sql);
      ends.set(sql, () => resolve([]));
    });
  const check = jest.fn(async () => undefined);
  const share = createShare(fakeDatabase({ query, check }), options);
  return { share, begun, check, end: (sql: string) => ends.get(sql)?.() };
}

/** Settled promises have passed on their results, and turns have ended. */
async function settled() {
  for (let round = 0; round < 8; round += 1) await nextRound();
}

describe('a share of a pool', () => {
  it('refuses a call for which there is no room, and has room again later', async () => {
    const { share, begun, end } = startPool({ maxConnections: 1, maxWaiting: 1 });
    const calls = [share.query('a'), share.query('b')];
    await expect(share.query('c')).rejects.toThrow(new TooManyCalls('1 such calls run, and 1 wait'));
    end('a');
    await settled();
    end('b');
    await Promise.all(calls);
    void share.query('d');
    await settled();
    expect(begun).toEqual(['a', 'b', 'd']);
  });

  it('gives up a wait after its timeout, or when the caller does, and then neither takes a connection', async () => {
    const { share, begun, end } = startPool({ maxConnections: 1, maxWaiting: 9, waitTimeoutMs: 20 });
    const first = share.query('a');
    const caller = new AbortController();
    const left = share.query('b', [], { signal: caller.signal });
    const late = share.query('c');
    const reason = new Error('the caller left');
    caller.abort(reason);
    await expect(left).rejects.toBe(reason);
    await expect(late).rejects.toThrow(TooManyCalls);
    end('a');
    await first;
    void share.query('d');
    await settled();
    expect(begun).toEqual(['a', 'd']);
  });

  it('has no pause after a statement with few rows, next to which others wait', async () => {
    const pace = new Pace(() => ({ idle: 0, active: 0, utilization: 0 }));
    const notedShort = jest.spyOn(pace, 'noteShort');
    const query = async (rows: string) => Array.from({ length: Number(rows) });
    const share = createShare(fakeDatabase({ query, transaction: async () => [] }), {
      maxConnections: 1,
      maxWaiting: 9,
      pace,
    });
    await Promise.all([share.query('600'), share.query('20'), share.transaction(async () => []), share.query('0')]);
    expect(notedShort.mock.calls).toEqual([[2], [4]]);
  });

  it('has no turn while it waits for the database, and what an outage has held up is not too many calls', async () => {
    let state: Promise<never[]> = Promise.reject(new DatabaseUnavailable('away'));
    let checked = state;
    const share = createShare(fakeDatabase({ query: () => state, check: () => checked }), {
      maxConnections: 1,
      maxWaiting: 2,
    });
    const waiting = share.query('a', [], { outageWait: { timeoutMs: 3_600_000, repeatable: false } });
    await settled();
    await expect(share.query('b')).rejects.toThrow('away');
    let answer = (): void => undefined;
    state = new Promise((resolve) => {
      answer = () => resolve([]);
    });
    await settled();
    const behind = ['c', 'd', 'e'].map((sql) => share.query(sql));
    await expect(share.query('f')).rejects.toThrow(DatabaseUnavailable);
    answer();
    await expect(Promise.all(behind)).resolves.toEqual([[], [], []]);
    checked = state;
    await expect(waiting).resolves.toEqual([]);
  });

  it('does not take its own slow calls for an outage', async () => {
    const { share, check, end } = startPool({ maxConnections: 1, maxWaiting: 1 });
    const onStall = jest.fn();
    const calls = [share.query('a', [], { onStall }), share.query('b')];
    try {
      await eventually('the pool was silent more than once', () => check.mock.calls.length > 2);
      await expect(share.query('c')).rejects.toThrow(TooManyCalls);
      expect(onStall).not.toHaveBeenCalled();
    } finally {
      end('a');
      await settled();
      end('b');
      await Promise.all(calls);
    }
  });

  it('gives a failed call’s connection to the next one', async () => {
    const share = createShare(fakeDatabase({ query: (sql: string) => Promise.reject(new Error(sql)) }), {
      maxConnections: 1,
      maxWaiting: 2,
    });
    const calls = ['a', 'b', 'c'].map((sql) => share.query(sql));
    expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  });
});
