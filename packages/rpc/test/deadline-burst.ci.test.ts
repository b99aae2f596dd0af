import { describe, expect, it } from '@jest/globals';
import { Status } from '../src/exports/status.js';
import { failure } from './support/outcome.js';
import { socketsOfATest } from './support/sockets.js';
import { streamOf } from './support/stream.js';
import { deferred } from './support/wait.js';

const { startServer, connectTo } = socketsOfATest();

const BURST = 2_000;
const DEADLINE_MS = 400;
/** The client resets a call that the server hasn't ended a moment after its deadline. This is later. */
const RESETS_MS = 500;

describe('many calls that expire at once', () => {
  // A server closes a connection on which that many streams are reset, so the server must end them.
  it('harm no other call on their connection', async () => {
    const over = deferred();
    const server = await startServer({
      unaryUnsafe: () => new Promise(() => undefined),
      async clientStream() {
        await over.promise;
        return {};
      },
    });
    const { channel, client } = connectTo([server.address]);
    await client.unary({});

    // It has no deadline, because the others may take long on a busy machine.
    const innocent = client.clientStream(streamOf());
    const expiring = Array.from({ length: BURST }, () => failure(client.unaryUnsafe({}, { timeoutMs: DEADLINE_MS })));
    const codes = new Set((await Promise.all(expiring)).map(({ code }) => code));
    const after = await Promise.all(
      Array.from({ length: 20 }, () => client.unaryUnsafe({}, { timeoutMs: 1 }).catch(failureCode)),
    );
    await failure(client.unaryUnsafe({}, { timeoutMs: RESETS_MS }));
    over.resolve();

    expect([...codes]).toEqual([Status.DEADLINE_EXCEEDED]);
    expect(new Set(after)).toEqual(new Set([Status.DEADLINE_EXCEEDED]));
    await innocent;
    expect(channel.inspect()[0]?.endpoints[0]?.state).toBe('ready');
  });
});

function failureCode(error: unknown): unknown {
  return error instanceof Object && 'code' in error ? error.code : error;
}
