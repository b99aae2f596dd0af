import { describe, expect, it } from '@jest/globals';
import type { ServerCall } from '../../src/exports/call.js';
import { systemClock } from '../../src/exports/clock.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { collect, streamOf } from '../support/stream.js';
import { deferred, expire } from '../support/wait.js';
import type { Harness } from './environment.js';
import { remainingMs } from './handlers.js';

const CONTRACT_MS = 5_000;
const DEFAULT_MS = 10_000;

/** Waits for the end of its call and records the reason. */
function waiter() {
  const begun = deferred();
  const reason = deferred<unknown>();
  const wait = async ({ signal }: ServerCall): Promise<never> => {
    begun.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reason.resolve(signal.reason);
        reject(signal.reason);
      });
    });
  };
  return { wait, begun: begun.promise, reason: reason.promise };
}

export function describeDeadlines({ start }: Harness): void {
  /** The deadline as each kind of handler sees it. */
  async function startMeasured() {
    const seen: (number | undefined)[] = [];
    const unary = async (_request: unknown, call: ServerCall) => {
      seen.push(remainingMs(call));
      return {};
    };
    async function* stream(_request: unknown, call: ServerCall) {
      seen.push(remainingMs(call));
      yield* [];
    }
    const handlers = { unary, unaryUnsafe: unary, clientStream: unary, serverStream: stream, bidiStream: stream };
    return { client: await start({ handlers }), seen };
  }

  describe('deadlines', () => {
    it.each([
      ["the contract's, if the caller sets none", {}, CONTRACT_MS],
      ["the caller's, if it is earlier", { timeoutMs: 1_500 }, 1_500],
      ["the contract's, if the caller's is later", { timeoutMs: 60_000 }, CONTRACT_MS],
    ])('gives a handler %s', async (_name, options, allowedMs) => {
      const { client, seen } = await startMeasured();
      await client.unary({}, options);
      expect(seen[0]).toBeLessThanOrEqual(allowedMs + 1);
      expect(seen[0]).toBeGreaterThan(allowedMs - 1_000);
    });

    it('gives a unary method a default, and a stream none', async () => {
      const { client, seen } = await startMeasured();
      await client.unaryUnsafe({});
      expect(seen.pop()).toBeGreaterThan(DEFAULT_MS - 1_000);
      await client.clientStream(streamOf());
      await collect(client.serverStream({}));
      await collect(client.bidiStream(streamOf()));
      expect(seen).toEqual([undefined, undefined, undefined]);
      await collect(client.serverStream({}, { timeoutMs: 3_000 }));
      expect(seen.pop()).toBeLessThanOrEqual(3_001);
    });

    it.each(['unary', 'serverStream', 'clientStream', 'bidiStream'] as const)(
      'ends the handler of %s',
      async (kind) => {
        let ended: Promise<unknown> | undefined;
        const wait = (call: ServerCall) => {
          const { wait: waitForEnd, reason } = waiter();
          ended = reason;
          return waitForEnd(call);
        };
        async function* stream(_request: unknown, call: ServerCall) {
          yield {};
          await wait(call);
        }
        const unary = (_request: unknown, call: ServerCall) => wait(call);
        const handlers = { unary, clientStream: unary, serverStream: stream, bidiStream: stream };
        const client = await start({ handlers });
        const calls = {
          unary: (timeoutMs: number) => client.unary({}, { timeoutMs }),
          clientStream: (timeoutMs: number) => client.clientStream(streamOf(), { timeoutMs }),
          serverStream: (timeoutMs: number) => collect(client.serverStream({}, { timeoutMs })),
          bidiStream: (timeoutMs: number) => collect(client.bidiStream(streamOf(), { timeoutMs })),
        };
        await expire(calls[kind], async () => {
          const reason = await ended;
          return reason instanceof RpcError && reason.code === Status.DEADLINE_EXCEEDED;
        });
      },
    );

    it('ends a call whose handler never settles and ignores the signal', async () => {
      const { unary } = await start({ handlers: { unary: () => new Promise(() => undefined) } });
      expect(await failure(unary({}, { timeoutMs: 50 }))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    });

    it('runs no handler if the deadline has passed before', async () => {
      const { client, seen } = await startMeasured();
      await client.unaryUnsafe({});
      seen.pop();
      const past = new Date(systemClock.now() - 1_000);
      for (const options of [{ timeoutMs: 0 }, { timeoutMs: -5 }, { deadline: past }]) {
        expect(await failure(client.unary({}, options))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
        expect(await failure(collect(client.serverStream({}, options)))).toMatchObject({
          code: Status.DEADLINE_EXCEEDED,
        });
      }
      await client.unaryUnsafe({});
      expect(seen).toHaveLength(1);
    });

    it('is inherited by the calls that a handler makes', async () => {
      const { client: far, seen } = await startMeasured();
      const near = await start({ handlers: { unary: (request) => far.unary(request, { timeoutMs: 60_000 }) } });
      await near.unary({}, { timeoutMs: 1_200 });
      expect(seen[0]).toBeLessThanOrEqual(1_201);
    });
  });
}
