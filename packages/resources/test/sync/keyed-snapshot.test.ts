import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { countUp, inShort, openWatch, write, writeAndDie, writeTogether } from './fixture.js';
import { fixture, one, topic, two } from './pair.js';

const KEYED = { size: 1 };

describe('a snapshot in parts by key', () => {
  it('yields a change that is not relayed yet once: with its row, or later', async () => {
    await write(one, topic, 1, 2, 3);
    const watcher = openWatch(two, topic, KEYED);
    await watcher.next();
    await watcher.next();
    await writeAndDie(one, topic, 1, 3);
    const part = await watcher.next();
    expect(inShort(part)).toBe('snapshot 3:2');
    const resumed = openWatch(one, topic, { ...KEYED, resumeToken: part.resumeToken });
    const later = [watcher.received(), resumed.received()];
    await write(one, topic, 3);
    expect(await Promise.all(later)).toEqual(['1:2', '1:2']);
    expect([await watcher.received(), await resumed.received()]).toEqual(['3:3', '3:3']);
    await Promise.all([watcher.leave(), resumed.leave()]);
  });

  it('yields each row of a change once: with its part, or later', async () => {
    await write(one, topic, 1, 2, 3, 4);
    const watcher = openWatch(two, topic, KEYED);
    expect([await watcher.received(), await watcher.received()]).toEqual(['snapshot 1:1 …', 'snapshot 2:1 …']);
    await writeTogether(one, topic, 1, 3);
    await writeTogether(one, topic, 2, 4);
    // The next part has two rows of the changes, which aren't relayed yet.
    const parts = [await watcher.next(), await watcher.next()];
    expect(parts.map(inShort)).toEqual(['snapshot 3:2 …', 'snapshot 4:2 …']);
    const resumed = parts.map(({ resumeToken = '' }) => openWatch(one, topic, { ...KEYED, resumeToken }));
    await one.sync.settled();
    expect([await watcher.received(), await watcher.received()]).toEqual(['1:2', '2:2']);
    const rest = [];
    for (const other of resumed) rest.push([await other.received(), await other.received(), await other.received()]);
    expect(rest).toEqual([
      ['1:2', '2:2', 'snapshot 4:2'],
      ['1:2', '2:2', 'snapshot'],
    ]);
    expect(await watcher.received()).toBe('snapshot');
    await writeTogether(one, topic, 1, 3, 4);
    one.sync.nudge();
    expect([await watcher.received(), await watcher.received()]).toEqual(['1:3', '3:3']);
    await Promise.all([watcher, ...resumed].map((each) => each.leave()));
  });

  it('holds no connection while its reader takes a part', async () => {
    await write(one, topic, ...Array.from({ length: 200 }, (_, id) => id));
    const watchers = Array.from({ length: 8 }, () => openWatch(one, topic, KEYED));
    for (const watcher of watchers) await watcher.next();
    const sql = "SELECT count(*)::int AS busy FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    expect(await fixture.admin.one(sql)).toEqual({ busy: 0 });
    await Promise.all(watchers.map((watcher) => watcher.leave()));
  });

  it('relays first if too many changes are unrelayed', async () => {
    await writeAndDie(one, topic, ...Array.from({ length: 500 }, (_, id) => id));
    const watcher = openWatch(two, topic);
    const event = await watcher.next();
    expect(event.kind === 'snapshot' && [event.part.length, event.last]).toEqual([500, true]);
    await watcher.leave();
  });
});

describe('trimming', () => {
  const history = () => fixture.admin.one<{ rows: number }>('SELECT count(*)::int AS rows FROM sync_changes');
  /** All changes so far become older than the history keeps. */
  const age = () => fixture.admin.query("UPDATE sync_changes SET relay_time = relay_time - interval '1 day'");

  it('does not interrupt a running snapshot, even one that began at an old position', async () => {
    await write(one, topic, 1, 2, 3, 4, 5);
    await one.sync.settled();
    await age();
    const watcher = openWatch(two, topic, KEYED);
    expect([await watcher.received(), await watcher.received()]).toEqual(['snapshot 1:1 …', 'snapshot 2:1 …']);
    for (let change = 0; change < 5; change += 1) await write(one, topic, 1);
    await one.sync.settled();
    const { rows } = await history();
    const trimming = fixture.openReplica({ sweepMs: 5, trimMs: 5, historyRows: 1, historyMs: 0 });
    while ((await history()).rows === rows) await pause(5);
    await trimming.close();
    const received: string[] = [];
    while (received.at(-1) !== 'snapshot 5:1') received.push(await watcher.received());
    expect(received.slice(0, 6)).toEqual(['1:2', '1:3', '1:4', '1:5', '1:6', 'snapshot 3:1 …']);
    await watcher.leave();
  });

  it('starts a resumed snapshot over once if its position is gone, and then it completes', async () => {
    await write(one, topic, 1, 2, 3);
    const left = openWatch(one, topic, KEYED);
    const { resumeToken = '' } = await left.next();
    await left.leave();
    await one.database.transaction((transaction) => countUp(transaction, topic, 1));
    await one.sync.settled();
    await age();
    const trimming = fixture.openReplica({ sweepMs: 5, trimMs: 5, historyRows: 1 });
    while ((await history()).rows > 1) await pause(5);
    const resumed = openWatch(two, topic, { ...KEYED, resumeToken });
    expect(await resumed.next()).toMatchObject({ kind: 'snapshot', first: true, part: [{ id: 1, value: 2 }] });
    const received: string[] = [];
    while (received.at(-1) !== 'snapshot 3:1') {
      await write(one, topic, 1);
      await one.sync.settled();
      received.push(await resumed.received());
    }
    expect(received).toEqual(['snapshot 2:1 …', '1:3', '1:4', 'snapshot 3:1']);
    await trimming.close();
    await resumed.leave();
  });
});
