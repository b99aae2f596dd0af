import { describe, expect, it } from '@jest/globals';
import { InvalidResumeToken, WatchAborted, WatchUnavailable } from '../../src/sync/errors.js';
import { countUp, failureOf, itemOf, NEVER, nextToken, openWatch, write, writeAndDie } from './fixture.js';
import { fixture, one, topic, two } from './pair.js';

describe('a watch', () => {
  it('yields a snapshot, then each change in order from any replica', async () => {
    await write(one, topic, 1);
    const watcher = openWatch(two, topic);
    expect(await watcher.received()).toBe('snapshot 1:1');
    await write(one, topic, 2, 1);
    await write(two, topic, 2);
    await write(one, 'another topic', 9);
    await write(one, topic, 3);
    const received = [
      await watcher.received(),
      await watcher.received(),
      await watcher.received(),
      await watcher.received(),
    ];
    expect(received).toEqual(['2:1', '1:2', '2:2', '3:1']);
    await watcher.leave();
  });

  it('yields nothing that was rolled back', async () => {
    const watcher = openWatch(one, topic);
    expect(await watcher.received()).toBe('snapshot');
    const refused = one.database.transaction(async (transaction) => {
      await countUp(transaction, topic, 1);
      throw new Error('no');
    });
    await expect(refused).rejects.toThrow('no');
    await write(one, topic, 2);
    expect(await watcher.received()).toBe('2:1');
    await watcher.leave();
  });

  it('resumes at another replica from the token of a snapshot or of a change', async () => {
    const first = openWatch(one, topic);
    const ofSnapshot = await nextToken(first);
    await write(one, topic, 1);
    const ofChange = await nextToken(first);
    await first.leave();
    await write(one, topic, 1, 2);
    await one.close();
    const third = fixture.openReplica(NEVER);
    const [later, latest] = [
      openWatch(two, topic, { resumeToken: ofSnapshot }),
      openWatch(third, topic, { resumeToken: ofChange }),
    ];
    expect([await later.received(), await later.received(), await later.received()]).toEqual(['1:1', '1:2', '2:1']);
    expect([await latest.received(), await latest.received()]).toEqual(['1:2', '2:1']);
    await write(third, topic, 3);
    expect([await later.received(), await latest.received()]).toEqual(['3:1', '3:1']);
    await Promise.all([later.leave(), latest.leave()]);
    await third.close();
  });

  it('resumes from far behind, over more changes than one page', async () => {
    const first = openWatch(one, topic);
    const resumeToken = await nextToken(first);
    await first.leave();
    const ids = Array.from({ length: 1_300 }, (_, id) => id);
    await writeAndDie(one, topic, ...ids);
    await write(one, 'another topic', ...ids);
    await one.sync.settled();
    const later = openWatch(two, topic, { resumeToken });
    const received: string[] = [];
    while (received.length < ids.length) received.push(await later.received());
    expect(received).toEqual(ids.map((id) => `${id}:1`));
    await later.leave();
  });

  it('rejects with the error of the snapshot', async () => {
    const missing = one.sync.watch({
      topic,
      signal: new AbortController().signal,
      snapshot: () => Promise.reject(new RangeError('no such item')),
    });
    await expect(missing.next()).rejects.toThrow(RangeError);
  });

  it('skips filtered changes, and accepts a token for the same filter only', async () => {
    const signal = new AbortController().signal;
    const even = { name: 'even', accepts: (payload: unknown) => itemOf(payload).id % 2 === 0 };
    const options = {
      topic,
      signal,
      filter: even,
      snapshot: async () => [],
    };
    const watcher = one.sync.watch(options);
    const { value: snapshot } = await watcher.next();
    await write(one, topic, 1, 2, 3, 4);
    const { value: two } = await watcher.next();
    const { value: four } = await watcher.next();
    expect([two, four]).toMatchObject([{ payload: { id: 2 } }, { payload: { id: 4 } }]);
    const resumeToken = snapshot?.resumeToken;
    expect((await one.sync.watch({ ...options, resumeToken }).next()).value).toMatchObject({ payload: { id: 2 } });
    expect(await failureOf(openWatch(one, topic, { resumeToken: resumeToken ?? '' }))).toBeInstanceOf(
      InvalidResumeToken,
    );
  });

  it('ends with its signal', async () => {
    const watcher = openWatch(one, topic);
    await watcher.received();
    const failure = failureOf(watcher);
    await watcher.leave();
    expect(await failure).toEqual(new Error('left'));
    const late = one.sync.watch({ topic, signal: AbortSignal.abort(new Error('gone')), snapshot: async () => [] });
    await expect(late.next()).rejects.toThrow('gone');
  });
});

it('a slow watcher is ended once too many changes wait for it, and misses nothing when it resumes', async () => {
  const small = fixture.openReplica({ ...NEVER, mailboxSize: 4 });
  const slow = openWatch(small, topic);
  const resumeToken = await nextToken(slow);
  await write(small, topic, 0);
  await slow.received(); // it reads the feed now
  await write(small, topic, 1, 2, 3, 4, 5);
  await small.sync.settled();
  expect(await failureOf(slow)).toBeInstanceOf(WatchAborted);
  const resumed = openWatch(small, topic, { resumeToken });
  for (const id of [0, 1, 2, 3, 4, 5]) expect(await resumed.received()).toBe(`${id}:1`);
  await resumed.leave();
  await small.close();
});

describe('a replica', () => {
  it('ends its watchers when it stops, and accepts no more', async () => {
    const watcher = openWatch(one, topic);
    await watcher.received();
    const failure = failureOf(watcher);
    await one.sync.close();
    expect(await failure).toBeInstanceOf(WatchUnavailable);
    expect(await failureOf(openWatch(one, topic))).toBeInstanceOf(WatchUnavailable);
    one.sync.nudge();
  });

  it('accepts a bounded number of watchers', async () => {
    const narrow = fixture.openReplica({ ...NEVER, maxWatchers: 2 });
    const watchers = [openWatch(narrow, topic), openWatch(narrow, topic)];
    for (const watcher of watchers) await watcher.received();
    expect(await failureOf(openWatch(narrow, topic))).toBeInstanceOf(WatchUnavailable);
    await watchers[0]?.leave();
    expect(await openWatch(narrow, topic).received()).toBe('snapshot');
    await narrow.close();
  });

  it('leaves half of them to others than one caller', async () => {
    const replica = fixture.openReplica({ ...NEVER, maxWatchers: 4 });
    const open = (caller: string) => openWatch(replica, topic, { caller });
    const watchers = [open('a'), open('a'), open('b')];
    for (const watcher of watchers) await watcher.received();
    expect(await failureOf(open('a'))).toBeInstanceOf(WatchUnavailable);
    await watchers[0]?.leave();
    expect(await open('a').received()).toBe('snapshot');
    await replica.close();
  });
});
