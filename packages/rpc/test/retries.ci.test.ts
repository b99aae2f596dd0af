/** Retries between servers that fail, over gRPC: who retries, how often, and what callers see of it. */

import { describe, expect, it } from '@jest/globals';
import type { CallOptions } from '../src/exports/client.js';
import type { Handlers } from '../src/exports/server.js';
import { RpcError, Status } from '../src/exports/status.js';
import type { ServedDefinition } from './conformance/handlers.js';
import { failure } from './support/outcome.js';
import { socketsOfATest } from './support/sockets.js';

const { connectTo, startServer } = socketsOfATest();

const sick = () => new RpcError(Status.UNAVAILABLE, 'sick');

type Unary = NonNullable<Partial<Handlers<ServedDefinition>>['unary']>;

/** A client of one tier: a server for each of `handlers`. */
async function tier(handlers: readonly Unary[]) {
  const servers = await Promise.all(handlers.map((unary) => startServer({ unary })));
  return connectTo(servers.map(({ address }) => address));
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
});
