import { afterEach, describe, expect, it } from '@jest/globals';
import type { Channel } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { cached as connect, type FixtureOptions, gate } from './fixture.js';

const channels: Channel[] = [];

function cached(options: FixtureOptions = {}) {
  const made = connect(options);
  channels.push(made.channel);
  return made;
}

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

describe('callers of one key at the same time', () => {
  it('share one call', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async ({ name }: { name: string }) => {
      calls += 1;
      await slow.opened;
      return { name };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    const all = Array.from({ length: 100 }, () => client.getEntry({ name: 'a' }));
    await clock.advance(1);
    slow.open();
    const entries = await Promise.all(all);
    expect(calls).toBe(1);
    expect(new Set(entries).size).toBe(100);
    expect(new Set(entries.map(({ name }) => name))).toEqual(new Set(['a']));
  });

  it('each get the error, which is not kept, as their own', async () => {
    const slow = gate<never>();
    let calls = 0;
    const getEntry = () => {
      calls += 1;
      return calls === 1 ? slow.opened : { name: 'there' };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    const all = Array.from({ length: 10 }, () => failureOf(client.getEntry({ name: 'a' })));
    await clock.advance(1);
    slow.fail(new RpcError(Status.NOT_FOUND, 'no such entry'));
    const errors = await Promise.all(all);
    expect(new Set(errors).size).toBe(10);
    for (const error of errors) {
      expect(error).toMatchObject({ code: Status.NOT_FOUND, message: 'no such entry' });
      expect(error.report?.attempts).toHaveLength(1);
    }
    expect(calls).toBe(1);
    expect((await client.getEntry({ name: 'a' })).name).toBe('there');
  });

  it('do not fail, and make no other call, if one cancels, or the first one has less time', async () => {
    const slow = gate();
    let calls = 0;
    const getEntry = async () => {
      calls += 1;
      await slow.opened;
      return { name: 'a' };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    const leaving = new AbortController();
    const hurried = failureOf(client.getEntry({ name: 'a' }, { timeoutMs: 50 }));
    const first = failureOf(client.getEntry({ name: 'a' }, { signal: leaving.signal }));
    const patient = client.getEntry({ name: 'a' });
    await clock.advance(10);
    leaving.abort();
    expect(await first).toMatchObject({ code: Status.CANCELLED });
    await clock.advance(40);
    expect(await hurried).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    slow.open();
    expect((await patient).name).toBe('a');
    expect(calls).toBe(1);
  });

  it('go on with a new call if the time of the shared one is over before theirs', async () => {
    let calls = 0;
    const slow = gate();
    const getEntry = async () => {
      calls += 1;
      if (calls === 1) await new Promise(() => undefined);
      await slow.opened;
      return { name: String(calls) };
    };
    const { client, clock } = cached({ handlers: { getEntry } });
    const first = failureOf(client.getEntry({ name: 'a' }, { timeoutMs: 1_000 }));
    await clock.advance(9_000);
    expect(await first).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    const starter = failureOf(client.getEntry({ name: 'a' }));
    const patient = client.getEntry({ name: 'a' }, { timeoutMs: 60_000 });
    await clock.advance(10_000);
    expect(await starter).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    slow.open();
    await clock.advance(1);
    expect((await patient).name).toBe(String(calls));
    expect(calls).toBe(3);
  });

  it('end the call when the last of them has left', async () => {
    let ended = false;
    const getEntry = (_: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          ended = true;
          reject(signal.reason);
        });
      });
    const { client, clock } = cached({ handlers: { getEntry } });
    const leaving = [new AbortController(), new AbortController()];
    const all = leaving.map(({ signal }) => failureOf(client.getEntry({ name: 'a' }, { signal })));
    await clock.advance(1);
    leaving[0]?.abort();
    await clock.advance(1);
    expect(ended).toBe(false);
    leaving[1]?.abort();
    await Promise.all(all);
    await clock.advance(1);
    expect(ended).toBe(true);
    expect(clock.timers).toBe(0);
  });
});
