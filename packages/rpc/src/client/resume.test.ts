import { afterEach, describe, expect, it } from '@jest/globals';
import { sleep } from '@rondo/base';
import type { FollowRequest, FollowResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Follow, type FollowersOptions, makeFollowers } from '../../test/support/followers.js';
import { failure } from '../../test/support/outcome.js';
import { collect, streamOf } from '../../test/support/stream.js';
import type { CallOptions } from '../call/client-call.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';

let open: ReturnType<typeof makeFollowers> | undefined;
afterEach(() => open?.channel.close());

function followers(names: readonly string[], follow: Follow, options?: FollowersOptions) {
  open = makeFollowers(names, follow, options);
  return open;
}

const away = () => new RpcError(Status.UNAVAILABLE, 'this instance is shutting down');
const reply = (index: number) => ({ index, resumeToken: `${index + 1}` });

/** Each call sends `count` replies after the token and then breaks, until all are sent. */
const inParts = (count: number, error = away): Follow =>
  function* part({ resumeToken, count: all }) {
    const from = Number(resumeToken);
    const until = Math.min(from + count, all);
    for (let index = from; index < until; index += 1) yield reply(index);
    if (until < all) throw error();
  };

/** Sends the first reply, and is unavailable from then on. */
const thenAway: Follow = (request, call) => inParts(request.resumeToken === '' ? 1 : 0)(request, call);

/** Sends all replies and keeps the stream open. */
async function* silently({ resumeToken, count }: FollowRequest, signal: AbortSignal): AsyncGenerator<FollowResponse> {
  for (let index = Number(resumeToken); index < count; index += 1) yield reply(index);
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

const indexes = (replies: readonly FollowResponse[]) => replies.map(({ index }) => index);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Reads `count` replies and leaves the stream open. */
async function take(messages: AsyncIterator<FollowResponse>, count: number): Promise<readonly FollowResponse[]> {
  const taken: FollowResponse[] = [];
  while (taken.length < count) taken.push((await messages.next()).value);
  return taken;
}

describe('a stream that is resumed', () => {
  it('continues at another instance when its own is killed, without loss and without duplicates', async () => {
    const { follow, kill, settled, instances, asked } = followers(['a', 'b'], (request, { signal }) =>
      silently({ ...request, count: request.resumeToken === '' ? 5 : 8 }, signal),
    );
    const messages = follow({ resumeToken: '' })[Symbol.asyncIterator]();
    // Five replies have reached the client; the reader has taken two of them.
    expect(indexes(await settled(take(messages, 2)))).toEqual([0, 1]);
    kill(instances()[0] ?? '');
    expect(indexes(await settled(take(messages, 6)))).toEqual([2, 3, 4, 5, 6, 7]);
    expect(new Set(instances()).size).toBe(2);
    expect(asked[1]?.token).toBe('2');
    await messages.return?.();
  });

  it.each([
    ['UNAVAILABLE', away],
    ['ABORTED', () => new RpcError(Status.ABORTED, 'too slow; resume')],
  ])('continues after %s, at another instance', async (_name, error) => {
    const { follow, settled, instances } = followers(['a', 'b', 'c'], inParts(1, error));
    expect(indexes(await settled(collect(follow({ count: 20 }))))).toEqual(upTo(20));
    const asked = instances();
    expect(asked).toHaveLength(20);
    for (const [index, instance] of asked.entries()) expect(instance).not.toBe(asked[index - 1]);
  });

  it('continues at the same instance if there is no other', async () => {
    const { follow, settled, instances } = followers(['a'], inParts(3));
    expect(indexes(await settled(collect(follow({ count: 7 }))))).toEqual(upTo(7));
    expect(instances()).toEqual(['a', 'a', 'a']);
  });

  it('continues when its only instance is back', async () => {
    const { follow, kill, start, settled, clock } = followers(['a'], (request, { signal }) =>
      silently({ ...request, count: Number(request.resumeToken) + 2 }, signal),
    );
    const messages = follow({})[Symbol.asyncIterator]();
    await settled(take(messages, 2));
    kill('a');
    const rest = take(messages, 2);
    await clock.advance(30_000);
    start('a');
    expect(indexes(await settled(rest))).toEqual([2, 3]);
    await messages.return?.();
  });

  it('starts with the token of its caller, and messages without a token do not move it', async () => {
    const { follow, settled, asked } = followers(['a', 'b'], function* parts({ resumeToken }) {
      if (resumeToken === 'mine') yield { index: 1 };
      if (resumeToken === 'mine' && asked.length === 1) throw away();
      if (resumeToken === 'mine') yield { index: 2, resumeToken: 'second' };
      if (resumeToken === 'mine') throw away();
      yield { index: 3 };
    });
    const replies = await settled(collect(follow({ resumeToken: 'mine', count: 9 })));
    expect(indexes(replies)).toEqual([1, 1, 2, 3]);
    expect(asked.map(({ token }) => token)).toEqual(['mine', 'mine', 'second']);
  });

  it('is one call to its middleware and its callbacks', async () => {
    const broken: string[] = [];
    const headers: unknown[] = [];
    const trailers: unknown[] = [];
    const { follow, settled, instances } = followers(['a', 'b'], inParts(2));
    const options: CallOptions = {
      onHeader: (header) => headers.push(header),
      onTrailer: (trailer) => trailers.push(trailer.get('rondo-served-by')),
      onStreamBreak: ({ codeName }) => broken.push(codeName),
    };
    await settled(collect(follow({ count: 6 }, options)));
    expect(headers).toHaveLength(1);
    expect(trailers).toEqual([instances().at(-1)]);
    expect(broken).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  });
});

describe('a stream that breaks again and again', () => {
  it('is resumed after pauses that double up to 5 s, even if replies arrive in between', async () => {
    const { follow, settled, asked } = followers(['a', 'b'], inParts(1), { random: () => 0.999 });
    await settled(collect(follow({ count: 12 })));
    const pauses = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? 0));
    expect(pauses.map((ms) => Math.round(ms / 100) * 100)).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000, 5_000,
    ]);
  });

  it('fails a minute after its last reply, with the reason and the last attempts', async () => {
    const { follow, settled, clock, kill, asked } = followers(['a', 'b'], thenAway);
    const messages = follow({ count: 2 })[Symbol.asyncIterator]();
    await settled(messages.next());
    const at = clock.now();
    const outcome = failure(messages.next());
    await clock.advance(50_000);
    expect(asked.length).toBeGreaterThan(20);
    kill('a');
    kill('b');
    const error = await settled(outcome);
    expect(clock.now() - at).toBeGreaterThan(59_000);
    expect(clock.now() - at).toBeLessThan(62_000);
    expect(error.code).toBe(Status.UNAVAILABLE);
    expect(error.message).toMatch(
      /^the stream broke and could not be resumed within 60 s, in \d+ tries: no instance of .* can take the call: .*nothing listens there/,
    );
    expect(error.message).not.toContain('shutting down');
    expect(error.report?.attempts.length).toBeGreaterThan(10);
    expect(error.report?.attempts.length).toBeLessThanOrEqual(16);
    expect(clock.timers).toBe(0);
  });

  it('fails after resumeForMs: never if it is infinite, at once if it is 0', async () => {
    const breaks = (options: CallOptions) => {
      const { follow, settled } = followers(['a'], thenAway);
      return settled(failure(collect(follow({ count: 2 }, options))));
    };
    expect((await breaks({ resumeForMs: 3_000 })).message).toMatch(/^the stream .* within 3 s/);
    expect((await breaks({ resumeForMs: 0 })).message).toBe('this instance is shutting down');
    expect((await breaks({ instance: 'a' })).message).toBe('this instance is shutting down');
    const left = await breaks({ resumeForMs: Number.POSITIVE_INFINITY, timeoutMs: 300_000 });
    expect(left.code).toBe(Status.DEADLINE_EXCEEDED);
    for (const resumeForMs of [Number.NaN, -1]) {
      expect(await breaks({ resumeForMs })).toMatchObject({ code: Status.INVALID_ARGUMENT });
    }
  });

  it('makes no retry storm: beyond the retry budget each stream makes at most one attempt in 2.5 s', async () => {
    let up = true;
    const { follow, clock, asked } = followers(['a', 'b'], async function* outage({ resumeToken }) {
      if (!up) throw away();
      if (resumeToken === '') yield reply(0);
      while (up) await sleep(clock, 10);
      throw away();
    });
    const streams = Array.from({ length: 100 }, () => failure(collect(follow({ count: 2 }))));
    await clock.advance(100);
    up = false;
    const before = asked.length;
    await clock.advance(50_000);
    const tries = asked.length - before;
    // 100 free first attempts and 100 retries saved in the budget; then 0.2 a call, and 20 pauses of 2.5 s or more.
    expect(tries).toBeGreaterThan(1_000);
    expect(tries).toBeLessThan(2_000);
    await clock.advance(20_000);
    expect(await Promise.all(streams)).toHaveLength(100);
  });

  it('starts with a fresh backoff if it was open for long, even without a message', async () => {
    const { follow, asked, clock } = followers(['a', 'b'], async function* silent({ resumeToken }) {
      if (resumeToken === '') yield reply(0);
      else yield* [];
      await sleep(clock, 7_200_000);
      if (asked.length < 4) throw away();
      yield reply(1);
    });
    const replies = collect(follow({ count: 2 }));
    await clock.advance(5 * 7_200_000);
    expect(indexes(await replies)).toEqual([0, 1]);
    expect(asked).toHaveLength(4);
  });
});

describe('a stream that is not resumed', () => {
  it.each([Status.INTERNAL, Status.NOT_FOUND, Status.INVALID_ARGUMENT, Status.RESOURCE_EXHAUSTED])(
    'fails with status %i as the server sent it',
    async (code) => {
      const { follow, settled, instances } = followers(
        ['a', 'b'],
        inParts(1, () => new RpcError(code, 'as told')),
      );
      expect(await settled(failure(collect(follow({ count: 2 }))))).toMatchObject({ code, message: 'as told' });
      expect(instances()).toHaveLength(1);
    },
  );

  it('fails as any call does if no instance takes the first call', async () => {
    const { follow, settled, kill } = followers(['a'], inParts(1));
    kill('a');
    expect((await settled(failure(collect(follow({ count: 2 }))))).message).toMatch(/^no instance of/);
  });

  it('ends with its deadline, its signal and its channel, also during a pause', async () => {
    const waiting = async (options: CallOptions = {}) => {
      const made = followers(['a'], thenAway);
      const outcome = failure(collect(made.follow({ count: 2 }, options)));
      await made.clock.advance(20_000);
      return { ...made, outcome };
    };
    const timed = await waiting({ timeoutMs: 20_001 });
    await timed.clock.advance(1);
    expect((await timed.outcome).code).toBe(Status.DEADLINE_EXCEEDED);
    expect(timed.clock.timers).toBe(0);
    const caller = new AbortController();
    const left = await waiting({ signal: caller.signal });
    caller.abort();
    expect((await left.outcome).code).toBe(Status.CANCELLED);
    expect(left.clock.timers).toBe(0);
    const closed = await waiting();
    closed.channel.close();
    expect((await closed.outcome).message).toBe('this instance is shutting down');
    expect(closed.clock.timers).toBe(0);
  });

  it('ends if a middleware stops reading during an outage', async () => {
    let left: Promise<unknown> | undefined;
    const { follow, settled, kill, clock, asked, start } = followers(['a'], inParts(1), {
      middleware: [
        async (call, next) => {
          const reply = await next(call);
          if (!reply.response.stream) return reply;
          const messages = reply.response.messages[Symbol.asyncIterator]();
          await messages.next();
          kill('a');
          void messages.next().catch(() => undefined);
          left = messages.return?.();
          return { ...reply, response: { stream: true, messages: streamOf() } };
        },
      ],
    });
    await settled(collect(follow({ count: 2 })));
    await left;
    start('a');
    await clock.advance(60_000);
    expect(asked).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it('ends if its reader stops reading during an outage', async () => {
    const { follow, settled, kill, clock, asked } = followers(['a'], inParts(1));
    const messages = follow({ count: 2 })[Symbol.asyncIterator]();
    await settled(messages.next());
    kill('a');
    await messages.return?.();
    await clock.advance(60_000);
    expect(asked).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });
});
