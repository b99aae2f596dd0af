import { describe, expect, it } from '@jest/globals';
import { type Change, resourceOf } from '../domain/change.js';
import { createChangeFeed } from './change-feed.js';

const NEVER = new AbortController().signal;
const time = new Date(0);

/** A task of the project `p`, or of another. */
function change(id: string, version: bigint, projectId = 'p'): Change {
  const fields = { title: id, state: 'OPEN' as const, assigneeId: undefined, effortMinutes: 0n };
  return { kind: 'task', task: { ...fields, id, projectId, version, createTime: time, updateTime: time } };
}

function inShort(changed: Change): string {
  const { id, version } = resourceOf(changed);
  return `${id}${version}`;
}

/** Reads all that is there, and ends the subscription. */
async function drain(changes: AsyncIterable<Change>, count: number): Promise<string[]> {
  const read: string[] = [];
  if (count === 0) return read;
  for await (const changed of changes) if (read.push(inShort(changed)) === count) break;
  return read;
}

describe('the change feed', () => {
  it('tells every subscriber of a project, in order, and nobody else', async () => {
    const feed = createChangeFeed();
    const [one, two] = [feed.subscribe('p', NEVER), feed.subscribe('p', NEVER)];
    const other = feed.subscribe('q', NEVER);
    for (const version of [1n, 2n, 3n]) feed.publish(change('a', version));
    feed.publish(change('z', 1n, 'q'));
    expect(await drain(one, 3)).toEqual(['a1', 'a2', 'a3']);
    expect(await drain(two, 3)).toEqual(['a1', 'a2', 'a3']);
    expect(await drain(other, 1)).toEqual(['z1']);
  });

  it('wakes a reader who waits', async () => {
    const feed = createChangeFeed();
    const reading = drain(feed.subscribe('p', NEVER), 1);
    await Promise.resolve();
    feed.publish(change('a', 1n));
    expect(await reading).toEqual(['a1']);
  });

  it('keeps the latest of each resource for a reader who falls behind, in order', async () => {
    const feed = createChangeFeed({ maxPending: 4 });
    const slow = feed.subscribe('p', NEVER);
    for (const [id, version] of [
      ['a', 1n],
      ['b', 1n],
      ['a', 2n],
      ['c', 1n],
      ['b', 2n],
    ] as const) {
      feed.publish(change(id, version));
    }
    expect(await drain(slow, 3)).toEqual(['a2', 'c1', 'b2']);
  });

  it('holds no more than twice as many changes as there are resources, however many are published', async () => {
    const feed = createChangeFeed({ maxPending: 4 });
    const slow = feed.subscribe('p', NEVER);
    for (let version = 1n; version <= 100_000n; version += 1n) feed.publish(change(`r${version % 10n}-`, version));
    feed.publish(change('last', 1n));
    const read: string[] = [];
    for await (const changed of slow) {
      read.push(inShort(changed));
      if (resourceOf(changed).id === 'last') break;
    }
    expect(read.length).toBeLessThanOrEqual(21);
    expect(new Set(read).size).toBe(read.length);
    expect(read).toEqual(expect.arrayContaining(['r0-100000', 'r1-99991']));
  });

  it('ends its readers when they are interrupted, when their caller leaves, and when it closes', async () => {
    const feed = createChangeFeed();
    const caller = new AbortController();
    const interrupted = drain(feed.subscribe('p', NEVER), 1);
    feed.interrupt('p', new Error('missed'));
    await expect(interrupted).rejects.toThrow('missed');
    const left = drain(feed.subscribe('p', caller.signal), 1);
    caller.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    await expect(drain(feed.subscribe('p', caller.signal), 1)).rejects.toThrow('left');
    const open = drain(feed.subscribe('p', NEVER), 1);
    feed.close(new Error('closed'));
    await expect(open).rejects.toThrow('closed');
  });

  it('lets go of a subscription that was closed, once and for all', async () => {
    const feed = createChangeFeed();
    const [one, two] = [feed.subscribe('p', NEVER), feed.subscribe('p', NEVER)];
    expect(feed.subscriptions).toBe(2);
    const reading = drain(one, 1);
    one.close();
    one.close();
    expect(await reading).toEqual([]);
    two.close();
    expect(feed.subscriptions).toBe(0);
    feed.publish(change('a', 1n));
    expect(await drain(one, 1)).toEqual([]);
  });
});
