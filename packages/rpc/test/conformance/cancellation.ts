import { describe, expect, it } from '@jest/globals';
import type { ServerCall } from '../../src/exports/call.js';
import { Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { collect, endless, streamOf } from '../support/stream.js';
import { deferred, until } from '../support/wait.js';
import type { Harness } from './environment.js';

const CANCELLED = { code: Status.CANCELLED };

/** The start, the cancellation and the cleanup of a call, as its handler sees them. */
function watched() {
  const begun = deferred();
  const aborted = deferred<unknown>();
  const cleaned = deferred();
  let runs = 0;
  const begin = ({ signal }: ServerCall) => {
    runs += 1;
    begun.resolve();
    signal.addEventListener('abort', () => aborted.resolve(signal.reason));
  };
  async function unary(_request: unknown, call: ServerCall): Promise<never> {
    begin(call);
    return new Promise(() => undefined);
  }
  async function* stream(_request: unknown, call: ServerCall) {
    begin(call);
    yield* endless({}, { end: cleaned.resolve });
  }
  async function drain(requests: AsyncIterable<unknown>, call: ServerCall): Promise<never> {
    begin(call);
    try {
      await collect(requests);
      throw new Error('the requests ended');
    } finally {
      cleaned.resolve();
    }
  }
  const events = { begun: begun.promise, aborted: aborted.promise, cleaned: cleaned.promise, runs: () => runs };
  return { handlers: { unary, serverStream: stream, bidiStream: stream, clientStream: drain }, ...events };
}

export function describeCancellation({ start }: Harness): void {
  describe('cancellation', () => {
    it('before the call: no handler runs', async () => {
      const { handlers, runs } = watched();
      const client = await start({ handlers });
      const options = { signal: AbortSignal.abort() };
      await client.unaryUnsafe({});
      expect(await failure(client.unary({}, options))).toMatchObject(CANCELLED);
      expect(await failure(client.clientStream(streamOf(), options))).toMatchObject(CANCELLED);
      expect(await failure(collect(client.serverStream({}, options)))).toMatchObject(CANCELLED);
      expect(await failure(collect(client.bidiStream(streamOf(), options)))).toMatchObject(CANCELLED);
      await client.unaryUnsafe({});
      expect(runs()).toBe(0);
    });

    it('at every step of its start: no handler is left behind', async () => {
      let running = 0;
      async function* serverStream() {
        running += 1;
        try {
          yield* endless({});
        } finally {
          running -= 1;
        }
      }
      const client = await start({ handlers: { serverStream } });
      await client.unaryUnsafe({});
      for (let steps = 0; steps < 60; steps += 1) {
        const caller = new AbortController();
        const first = client.serverStream({}, { signal: caller.signal })[Symbol.asyncIterator]().next();
        for (let step = 0; step < steps; step += 1) await undefined;
        caller.abort();
        await Promise.allSettled([first]);
      }
      // The handlers share this process, and work until their streams are reset.
      await client.unaryUnsafe({}, { timeoutMs: 120_000 });
      await until(() => running === 0);
    });

    it('while a handler works: the caller continues at once and the handler is told', async () => {
      const { handlers, begun, aborted } = watched();
      const { unary } = await start({ handlers });
      const caller = new AbortController();
      const call = unary({}, { signal: caller.signal });
      await begun;
      caller.abort(new Error('the user went home'));
      expect(await failure(call)).toMatchObject(CANCELLED);
      expect(await aborted).toMatchObject(CANCELLED);
    });

    it.each(['serverStream', 'bidiStream'] as const)(
      'while %s is read: it fails, and the handler cleans up',
      async (kind) => {
        const { handlers, aborted, cleaned } = watched();
        const client = await start({ handlers });
        const caller = new AbortController();
        const options = { signal: caller.signal };
        const calls = {
          serverStream: () => client.serverStream({}, options),
          bidiStream: () => client.bidiStream(streamOf(), options),
        };
        const read = async () => {
          for await (const _reply of calls[kind]()) caller.abort();
        };
        expect(await failure(read())).toMatchObject(CANCELLED);
        expect(await aborted).toMatchObject(CANCELLED);
        await cleaned;
      },
    );

    it('while a handler waits for requests: its wait ends', async () => {
      const { handlers, begun, aborted, cleaned } = watched();
      const { clientStream } = await start({ handlers });
      const caller = new AbortController();
      async function* requests() {
        yield { text: 'first' };
        await new Promise(() => undefined);
      }
      const call = clientStream(requests(), { signal: caller.signal });
      await begun;
      caller.abort();
      expect(await failure(call)).toMatchObject(CANCELLED);
      expect(await aborted).toMatchObject(CANCELLED);
      await cleaned;
    });

    it('by leaving a stream early: the handler is told and cleans up', async () => {
      const { handlers, aborted, cleaned } = watched();
      const { serverStream } = await start({ handlers });
      for await (const _reply of serverStream({})) break;
      expect(await aborted).toMatchObject(CANCELLED);
      await cleaned;
    });

    it.each(['serverStream', 'bidiStream'] as const)(
      'by an onHeader of %s that throws: the caller gets that error, and the handler is told and cleans up',
      async (kind) => {
        const { handlers, aborted, cleaned } = watched();
        const client = await start({ handlers });
        const mine = new Error('the header was not what it should be');
        const options = {
          onHeader() {
            throw mine;
          },
        };
        const calls = {
          serverStream: () => client.serverStream({}, options),
          bidiStream: () => client.bidiStream(streamOf(), options),
        };
        await expect(collect<unknown>(calls[kind]())).rejects.toBe(mine);
        expect(await aborted).toMatchObject(CANCELLED);
        await cleaned;
      },
    );

    it('after the call: no effect', async () => {
      const signals: AbortSignal[] = [];
      const unary = async (_request: unknown, { signal }: ServerCall) => {
        signals.push(signal);
        return { text: 'done' };
      };
      const client = await start({ handlers: { unary } });
      const caller = new AbortController();
      expect(await client.unary({}, { signal: caller.signal })).toMatchObject({ text: 'done' });
      expect(await collect(client.serverStream({ count: 2 }, { signal: caller.signal }))).toHaveLength(2);
      caller.abort();
      expect(await client.unary({})).toMatchObject({ text: 'done' });
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    });
  });
}
