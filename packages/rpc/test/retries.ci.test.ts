/** Retries and hedges between servers that fail, over gRPC: who retries, how often, and what callers see of it. */

import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import type { ServerCall } from '../src/exports/call.js';
import { type CallOptions, createClient } from '../src/exports/client.js';
import type { Handlers } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import { ManualClock } from '../src/exports/testing.js';
import type { ServedDefinition } from './conformance/handlers.js';
import { withPolicy } from './support/contract.js';
import { failure } from './support/outcome.js';
import { policies } from './support/policies.js';
import { socketsOfATest } from './support/sockets.js';
import { until } from './support/wait.js';

const { connectTo, startServer } = socketsOfATest();

const sick = () => new RpcError(Status.UNAVAILABLE, 'sick');

type Unary = NonNullable<Partial<Handlers<ServedDefinition>>['unary']>;

/** A client of one tier: a server for each of `handlers`. */
async function tier(handlers: readonly Unary[], options: Parameters<typeof connectTo>[1] = {}) {
  const servers = await Promise.all(handlers.map((unary) => startServer({ unary })));
  return connectTo(
    servers.map(({ address }) => address),
    options,
  );
}

/** Makes `count` calls, eight at a time. Returns how many failed. */
async function failuresOf(call: (options?: CallOptions) => Promise<unknown>, count: number): Promise<number> {
  let left = count;
  let failed = 0;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await call().catch(() => {
        failed += 1;
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return failed;
}

describe('a sick replica that answers UNAVAILABLE by itself', () => {
  it('fails no safe call; without retries it fails some', async () => {
    const well = async () => ({});
    const { client } = await tier([well, () => Promise.reject(sick()), well]);
    expect(await failuresOf(() => client.unary({}), 90)).toBe(0);
    const { client: alone } = await tier([well, () => Promise.reject(sick()), well]);
    expect(await failuresOf(() => alone.unary({}, { maxAttempts: 1 }), 30)).toBeGreaterThan(0);
  });
});

describe('replicas that all fail', () => {
  it('get at most 1.2 attempts a call once the reserve is spent', async () => {
    let attempts = 0;
    const { client } = await tier(
      Array.from({ length: 3 }, () => async () => {
        attempts += 1;
        throw sick();
      }),
    );
    const call = () => client.unary({});
    await failuresOf(call, 100);
    attempts = 0;
    expect(await failuresOf(call, 200)).toBe(200);
    expect(attempts).toBeGreaterThanOrEqual(200);
    expect(attempts).toBeLessThanOrEqual(200 * 1.2 + 8);
  });

  it('are retried by the tier next to them alone', async () => {
    let bottom = 0;
    const fails = async () => {
      bottom += 1;
      throw sick();
    };
    const { client: lowest } = await tier([fails, fails, fails]);
    const { client: middle } = await tier(Array.from({ length: 3 }, () => () => lowest.unary({})));
    const { client: top } = await tier(Array.from({ length: 3 }, () => () => middle.unary({})));
    const error = await failure(top.unary({}));
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, retryPushbackMs: -1 });
    expect(bottom).toBe(3);
    await failuresOf(() => top.unary({}), 100);
    bottom = 0;
    await failuresOf(() => top.unary({}), 100);
    expect(bottom).toBeLessThanOrEqual(100 * 1.5);
  });

  it('meet no storm of retries when they are back', async () => {
    let away = true;
    let attempts = 0;
    const handler = async () => {
      attempts += 1;
      if (away) throw sick();
      return {};
    };
    const { client } = await tier([handler, handler, handler]);
    const call = () => client.unary({});
    await failuresOf(call, 100);
    away = false;
    attempts = 0;
    expect(await failuresOf(call, 100)).toBe(0);
    expect(attempts).toBe(100);
  });
});

describe('replicas that stall now and then', () => {
  /** Three replicas of which each stalls one call in fifty until it is cancelled. The client's clock stands still. */
  async function stalling(policy: Partial<MethodPolicy>) {
    const counts = { attempts: 0, stalled: 0, cancelled: 0 };
    const handlers = Array.from({ length: 3 }, (): Unary => {
      let calls = 0;
      return async (_request: object, { signal }: ServerCall) => {
        counts.attempts += 1;
        calls += 1;
        if (calls % 50 !== 25) return {};
        counts.stalled += 1;
        await once(signal, 'abort');
        counts.cancelled += 1;
        return {};
      };
    });
    const clock = new ManualClock();
    const { channel } = await tier(handlers, { clock, policies });
    const unary = withPolicy(ConformanceServiceDefinition.methods.unary, policy);
    const definition = { ...ConformanceServiceDefinition, methods: { unary } };
    return { client: createClient(definition, { channel }), clock, counts };
  }

  it('are overtaken by hedges: no call waits for a stall, and each stalled attempt is cancelled', async () => {
    const { client, clock, counts } = await stalling({ hedge: { delay: { seconds: 0n, nanos: 200e6 } } });
    let failed: number | undefined;
    const calls = failuresOf(() => client.unary({}, { timeoutMs: 60_000 }), 300).then((count) => {
      failed = count;
    });
    await until(async () => {
      if (counts.stalled > counts.cancelled) await clock.advance(200);
      return failed !== undefined;
    });
    await calls;
    expect(failed).toBe(0);
    await until(() => counts.cancelled === counts.stalled);
    expect(counts.stalled).toBeGreaterThanOrEqual(6);
    expect(counts.attempts).toBeGreaterThanOrEqual(300 + counts.cancelled);
  });
});
