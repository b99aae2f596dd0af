import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { appendChanges } from '../../src/exports/index.js';
import { InvalidResumeToken, WatchAborted } from '../../src/sync/errors.js';
import { failureOf, nextToken, openWatch, write, writeAndDie } from './fixture.js';
import { fixture, one, topic, two } from './pair.js';

describe('a token', () => {
  it('is refused if no such watch issued it', async () => {
    const other = openWatch(one, `${topic}, another`);
    const foreign = await nextToken(other);
    await other.leave();
    for (const resumeToken of ['nonsense', '!', foreign, 'x'.repeat(100_000)]) {
      expect(await failureOf(openWatch(one, topic, { resumeToken }))).toBeInstanceOf(InvalidResumeToken);
    }
  });

  it('starts with a new snapshot if the history after it was trimmed, by age or by number', async () => {
    await write(one, topic, 1);
    const watcher = openWatch(one, topic);
    const old = await nextToken(watcher);
    await write(one, topic, 1, 2, 3);
    const tokens = [await nextToken(watcher), await nextToken(watcher), await nextToken(watcher)];
    const last = tokens[2] ?? '';
    const trimming = fixture.openReplica({ sweepMs: 5, trimMs: 5, historyRows: 1, minHistoryMs: 0 });
    const history = 'SELECT count(*)::int AS rows FROM sync_changes';
    while ((await fixture.admin.one<{ rows: number }>(history)).rows > 1) await pause(5);
    await trimming.close();
    expect(await openWatch(two, topic, { resumeToken: old }).received()).toBe('snapshot 1:2 2:1 3:1');
    // An up-to-date watcher continues.
    const current = openWatch(two, topic, { resumeToken: last });
    await write(one, topic, 3);
    expect([await current.received(), await watcher.received()]).toEqual(['3:2', '3:2']);
    const ageing = fixture.openReplica({ sweepMs: 5, trimMs: 5, historyMs: 0, minHistoryMs: 0 });
    while ((await fixture.admin.one<{ rows: number }>(history)).rows > 1) await pause(5);
    await ageing.close();
    expect(await openWatch(two, topic, { resumeToken: last }).received()).toBe('snapshot 1:2 2:1 3:2');
  });

  it('starts with a new snapshot if it comes from a lost or another history', async () => {
    await write(one, topic, 1);
    await one.sync.settled();
    await fixture.admin.query('CREATE TABLE backup AS SELECT * FROM sync_changes');
    const watcher = openWatch(one, topic);
    await watcher.received();
    await write(one, topic, 1);
    const resumeToken = await nextToken(watcher);
    // Restored from a backup: the change and its write are gone.
    await fixture.admin.query('DELETE FROM sync_changes WHERE position > (SELECT max(position) FROM backup)');
    await fixture.admin.query('UPDATE item SET value = 1 WHERE topic = $1', [topic]);
    expect(await openWatch(two, topic, { resumeToken }).received()).toBe('snapshot 1:1');
    // Another change has taken its position.
    await write(two, topic, 2);
    await two.sync.settled();
    expect(await openWatch(two, topic, { resumeToken }).received()).toBe('snapshot 1:1 2:1');
    // A watcher of the old history is ended, and gets no changes of the new one.
    await one.sync.settled();
    expect(await failureOf(watcher)).toBeInstanceOf(WatchAborted);
  });
});

describe('the outbox', () => {
  it('reconnects the listening connection after a break', async () => {
    const watcher = openWatch(one, topic); // without a sweep
    await watcher.received();
    const listening = "SELECT pid FROM pg_stat_activity WHERE application_name = 'rondo-sync'";
    const listens = async () => (await fixture.admin.query<{ pid: number }>(listening)).map(({ pid }) => pid);
    while ((await listens()).length === 0) await pause(5);
    const before = await listens();
    await fixture.admin.query(listening.replace('pid', 'pg_terminate_backend(pid)'));
    await write(two, topic, 1);
    expect(await watcher.received()).toBe('1:1');
    expect((await listens()).filter((pid) => before.includes(pid))).toEqual([]);
    await watcher.leave();
  });

  it('is relayed only at read committed, where each statement sees all commits before it', async () => {
    const relaying = fixture.admin.transaction((transaction) => transaction.query('SELECT sync_relay(1)'), {
      isolation: 'repeatable read',
    });
    await expect(relaying).rejects.toThrow('read committed only');
  });

  it('is relayed without a scan of relayed rows', async () => {
    await writeAndDie(one, topic, 1, 2, 3);
    await fixture.admin.transaction(async (transaction) => {
      // The counts are those since the connection last reported its own, which may be before this transaction.
      const sql = `SELECT seq_scan AS whole, idx_scan AS indexed FROM pg_stat_xact_user_tables WHERE relname = 'sync_outbox'`;
      const scans = () => transaction.one<{ whole: bigint; indexed: bigint }>(sql);
      const before = await scans();
      await transaction.query('SELECT sync_relay(1000)');
      const after = await scans();
      expect(after.whole).toBe(before.whole);
      expect(after.indexed).toBeGreaterThan(before.indexed);
    });
  });

  it('refuses changes out of bounds', async () => {
    const append = (topicOfChange: string, payload: object) =>
      one.database.transaction((transaction) => appendChanges(transaction, [{ topic: topicOfChange, payload }]));
    await expect(append('', {})).rejects.toThrow('1 to 200');
    await expect(append('x'.repeat(201), {})).rejects.toThrow('1 to 200');
    await expect(append(topic, { text: 'x'.repeat(256 * 1024) })).rejects.toThrow('append it in parts');
    await expect(append(topic, { count: 1n })).rejects.toThrow(TypeError);
  });
});
