import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { cached, gate } from './fixture.js';

/** A service whose entries a test changes, and whose feed it breaks. */
function changing() {
  const reads: string[] = [];
  const watchers = new Set<(step: string | Error) => void>();
  let version = 1;
  let refusing = false;
  const tell = (step: string | Error) => {
    for (const watcher of watchers) watcher(step);
  };
  const handlers = {
    async readEntry({ name }: { name: string }) {
      reads.push(name);
      return { text: `${name} ${version}` };
    },
    listEntries() {
      reads.push('list');
      return { texts: [String(version)] };
    },
    async *watchEntries() {
      if (refusing) throw new RpcError(Status.UNAVAILABLE, 'no feed');
      const steps: (string | Error)[] = [''];
      let wake = gate();
      const watcher = (step: string | Error) => {
        steps.push(step);
        wake.open();
      };
      watchers.add(watcher);
      try {
        for (;;) {
          for (const step of steps.splice(0)) {
            if (step instanceof Error) throw step;
            yield { entry: step };
          }
          await wake.opened;
          wake = gate();
        }
      } finally {
        watchers.delete(watcher);
      }
    },
  };
  return {
    reads,
    handlers,
    change(name: string) {
      version += 1;
      tell(name);
    },
    silently() {
      version += 1;
    },
    refuse(refuses: boolean) {
      refusing = refuses;
    },
    breakFeed: () => tell(new RpcError(Status.UNAVAILABLE, 'the feed broke')),
    watchers,
  };
}

async function following(replaced: Partial<ReturnType<typeof changing>['handlers']> = {}) {
  const service = changing();
  const made = cached({ handlers: { ...service.handlers, ...replaced } });
  const { client, clock, cache, channel } = made;
  // The first call opens the feed, and isn't kept.
  await client.readEntry({ name: 'first' });
  await clock.advance(1);
  const close = async () => {
    cache.close();
    await clock.advance(1);
    channel.close();
  };
  return { ...service, ...made, close };
}

describe('a feed of changes', () => {
  it('ends the answers about what has changed, and lists; others stay', async () => {
    const { client, clock, reads, change, close } = await following();
    const ask = async () => {
      reads.splice(0);
      const [a, b, list] = [
        await client.readEntry({ name: 'a' }),
        await client.readEntry({ name: 'b' }),
        await client.listEntries({}),
      ];
      return [a.text, b.text, list.texts.join(), ...reads];
    };
    expect(await ask()).toEqual(['a 1', 'b 1', '1', 'a', 'b', 'list']);
    expect(await ask()).toEqual(['a 1', 'b 1', '1']);
    change('a');
    await clock.advance(1);
    expect(await ask()).toEqual(['a 2', 'b 1', '2', 'a', 'list']);
    change('c');
    await clock.advance(1);
    expect(await ask()).toEqual(['a 2', 'b 1', '3', 'list']);
    await close();
    expect(clock.timers).toBe(0);
  });

  it('ends all answers when it breaks, and nothing is kept until it is back', async () => {
    const { client, clock, reads, silently, breakFeed, refuse, watchers, close } = await following();
    const ask = async () => (await client.readEntry({ name: 'a' })).text;
    expect([await ask(), await ask()]).toEqual(['a 1', 'a 1']);
    refuse(true);
    breakFeed();
    await clock.advance(1);
    silently();
    reads.splice(0);
    expect([await ask(), await ask()]).toEqual(['a 2', 'a 2']);
    expect(reads).toEqual(['a', 'a']);
    refuse(false);
    await clock.advance(10_000);
    expect(watchers.size).toBe(1);
    expect([await ask(), await ask()]).toEqual(['a 2', 'a 2']);
    expect(reads).toEqual(['a', 'a', 'a']);
    await close();
  });

  it('says once, until it is followed again, that a feed is refused; an instance that is away is no news', async () => {
    let refusal: RpcError | undefined = new RpcError(Status.UNAVAILABLE, 'away');
    const warnings: object[] = [];
    const log = {
      ...silentLogger,
      warn: (fields: object, message: string) => void warnings.push({ ...fields, message }),
    };
    const { handlers, breakFeed } = changing();
    const watchEntries = () => {
      if (refusal !== undefined) throw refusal;
      return handlers.watchEntries();
    };
    const { client, clock, cache, channel } = cached({ handlers: { ...handlers, watchEntries }, log });
    const faults = async (refused: RpcError | undefined) => {
      refusal = refused;
      await clock.advance(10_000);
      return cache.feeds().map(({ fault }) => fault);
    };
    await client.readEntry({ name: 'a' });
    expect(await faults(refusal)).toEqual([expect.stringContaining('away')]);
    expect(warnings).toEqual([]);
    const refused = new RpcError(Status.UNAUTHENTICATED, 'no credentials');
    expect(await faults(refused)).toEqual([expect.stringContaining('no credentials')]);
    const warning = {
      target: 'rondo.conformance.v1.CachedService',
      feed: 'WatchEntries',
      fault: expect.stringContaining('no credentials'),
      message: 'no answers are kept: the feed of changes is not followed',
    };
    expect(warnings).toEqual([warning]);
    expect(await faults(undefined)).toEqual([undefined]);
    breakFeed();
    await faults(refused);
    expect(warnings).toEqual([warning, warning]);
    cache.close();
    await clock.advance(1);
    channel.close();
    expect(clock.timers).toBe(0);
  });

  it('says that a feed ends without a message', async () => {
    const warnings: object[] = [];
    const log = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const { client, clock, cache, channel } = cached({ handlers: { async *watchEntries() {} }, log });
    await client.readEntry({ name: 'a' });
    await clock.advance(10_000);
    expect(warnings).toMatchObject([{ fault: 'the feed ended before its first message' }]);
    cache.close();
    await clock.advance(1);
    channel.close();
  });

  it('ends an answer that was on its way: who asks after the change gets another', async () => {
    const slow = gate();
    let calls = 0;
    const readEntry = async ({ name }: { name: string }) => {
      if (name === 'first') return { text: '' };
      calls += 1;
      const text = `${name} at call ${calls}`;
      if (calls === 1) await slow.opened;
      return { text };
    };
    const { client, clock, change, close } = await following({ readEntry });
    const before = client.readEntry({ name: 'a' });
    await clock.advance(1);
    change('a');
    await clock.advance(1);
    expect((await client.readEntry({ name: 'a' })).text).toBe('a at call 2');
    slow.open();
    expect((await before).text).toBe('a at call 1');
    expect((await client.readEntry({ name: 'a' })).text).toBe('a at call 2');
    await close();
  });
});
