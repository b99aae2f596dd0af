import { describe, expect, it } from '@jest/globals';
import { sleep, systemClock } from '@rondo/base';
import { failure } from '../../test/support/outcome.js';
import { recordingLogger } from '../../test/support/recording-logger.js';
import type { ConformanceClient } from '../../test/support/service.js';
import { socketsOfATest } from '../../test/support/sockets.js';
import { collect, silent } from '../../test/support/stream.js';
import { atRest, deferred, until } from '../../test/support/wait.js';
import { type ServerCall, silentLogger } from '../call/call.js';
import { createRouter } from '../server/router.js';
import { Status } from '../status/code.js';
import { callLog } from '../telemetry/call-log.js';
import { serve } from './serve.js';

const { startServer, connectTo } = socketsOfATest();

async function start(handlers: Parameters<typeof startServer>[0] = {}, logger = silentLogger) {
  const server = await startServer(handlers, { router: { middleware: [callLog({ clock: systemClock })], logger } });
  return { server, ...connectTo([server.address]) };
}

const never = () => new Promise<never>(() => undefined);

/** Requests without end, 100 a second. */
async function* paced() {
  for (;;) {
    yield {};
    await sleep(systemClock, 10);
  }
}

describe('a server that drains', () => {
  it('finishes the calls in flight', async () => {
    const begun = deferred();
    const finish = deferred();
    const { server, client } = await start({
      async unary() {
        begun.resolve();
        await finish.promise;
        return { text: 'finished' };
      },
    });
    const call = client.unary({});
    await begun.promise;
    const drained = server.drain(5_000);
    finish.resolve();
    expect(await call).toMatchObject({ text: 'finished' });
    await drained;
  });

  it('by default finishes also calls that take longer than a keepalive interval', async () => {
    const begun = deferred();
    const { server } = await start({
      async unaryUnsafe() {
        begun.resolve();
        await sleep(systemClock, 1_700);
        return {};
      },
    });
    const { client } = connectTo([server.address], { known: { minPingIntervalMs: 1_000 } });
    const call = client.unaryUnsafe({});
    await begun.promise;
    await Promise.all([expect(call).resolves.toEqual({}), server.drain()]);
  });

  it('ends streams without a deadline at once, so that they are opened elsewhere', async () => {
    const begun = deferred();
    async function* serverStream(_request: unknown, { signal }: ServerCall) {
      yield {};
      begun.resolve();
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    const { server, client } = await start({ serverStream });
    const stream = failure(collect(client.serverStream({})));
    await begun.promise;
    await server.drain(60_000);
    expect(await stream).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining('shutting down') });
  });

  it('sends what a stream has yielded before it ends it', async () => {
    let drained: Promise<void> | undefined;
    async function* serverStream() {
      for (const index of [0, 1, 2]) yield { index };
      drained = server.drain(60_000);
      yield await never();
    }
    const { server, client } = await start({ serverStream });
    const read: number[] = [];
    const end = failure(
      (async () => {
        for await (const { index } of client.serverStream({})) read.push(index);
      })(),
    );
    expect(await end).toMatchObject({ code: Status.UNAVAILABLE });
    expect(read).toEqual([0, 1, 2]);
    await drained;
  });

  it('logs one line for all streams without a deadline that it ends, and a warning for each other call that it ends', async () => {
    const { logger, lines } = recordingLogger();
    const begun = [deferred(), deferred(), deferred()];
    async function* serverStream({ count }: { count: number }) {
      begun[count]?.resolve();
      yield never();
    }
    const { server, client } = await start({ serverStream }, logger);
    const streams = [{}, {}, { timeoutMs: 60_000 }].map((options, count) =>
      failure(collect(client.serverStream({ count }, options))),
    );
    await Promise.all(begun.map(({ promise }) => promise));
    await server.drain(50);
    await Promise.all(streams);
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'info', message: 'ending the streams without a deadline', fields: { streams: 2 } },
      { level: 'warn', message: 'call failed', fields: { code: 'UNAVAILABLE' } },
    ]);
  });

  describe('ends a call that outlives the grace, even if its handler ignores the signal', () => {
    const kinds: Record<string, (client: ConformanceClient) => Promise<unknown>> = {
      unary: (client) => client.unary({}, { timeoutMs: 30_000 }),
      'a server stream': (client) => collect(client.serverStream({}, { timeoutMs: 30_000 })),
      'a client stream': (client) => client.clientStream(silent(), { timeoutMs: 30_000 }),
      'a client stream that goes on sending': (client) => client.clientStream(paced(), { timeoutMs: 30_000 }),
      'a bidirectional stream': (client) => collect(client.bidiStream(silent(), { timeoutMs: 30_000 })),
    };

    it.each(Object.entries(kinds))('%s: UNAVAILABLE, never CANCELLED', async (_name, call) => {
      const begun = deferred();
      const hang = () => {
        begun.resolve();
        return never();
      };
      async function* hangingStream() {
        yield {};
        await hang();
      }
      const streams = { serverStream: hangingStream, bidiStream: hangingStream };
      const { server, client } = await start({ unary: hang, clientStream: hang, ...streams });
      const error = failure(call(client));
      await begun.promise;
      await server.drain(50);
      // Not DEADLINE_EXCEEDED: the drain didn't wait until the call ended by itself.
      expect(await error).toMatchObject({
        code: Status.UNAVAILABLE,
        message: expect.stringContaining('this instance is shutting down'),
      });
    });

    it('a stream whose reader is behind: its connection is closed too', async () => {
      async function* flood() {
        for (;;) yield { payload: Buffer.alloc(64 * 1024) };
      }
      const { server, client } = await start({ serverStream: flood });
      const replies = client.serverStream({}, { timeoutMs: 30_000 })[Symbol.asyncIterator]();
      await replies.next();
      await atRest(() => process.memoryUsage().arrayBuffers);
      await server.drain(50);
      const rest = { [Symbol.asyncIterator]: () => replies };
      expect(await failure(collect(rest))).toMatchObject({ code: Status.UNAVAILABLE });
    });
  });

  it('refuses further calls: UNAVAILABLE, or another instance, and never handled twice', async () => {
    const begun = deferred();
    const finish = deferred();
    let handled = 0;
    const { server, client, channel } = await start({
      async unary() {
        begun.resolve();
        await finish.promise;
        return {};
      },
      async unaryUnsafe() {
        handled += 1;
        return {};
      },
    });
    const inFlight = client.unary({}, { timeoutMs: 30_000 });
    await begun.promise;
    const drained = server.drain(10_000);
    let succeeded = 0;
    const outcomes = Array.from({ length: 20 }, () =>
      client.unaryUnsafe({}).then(
        () => {
          succeeded += 1;
        },
        (error: unknown) => expect(error).toMatchObject({ code: Status.UNAVAILABLE }),
      ),
    );
    await Promise.all(outcomes);
    expect(handled).toBe(succeeded);
    await until(() => channel.inspect()[0]?.endpoints[0]?.state === 'transient_failure');
    expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNAVAILABLE });
    finish.resolve();
    await inFlight;
    await drained;
  });

  it('loses no call that arrives as the drain begins', async () => {
    const first = await start();
    const second = await start();
    const { unaryUnsafe } = connectTo([first.server.address, second.server.address]).client;
    await Promise.all([unaryUnsafe({}), unaryUnsafe({})]);
    const before = Array.from({ length: 50 }, () => unaryUnsafe({}));
    const drained = first.server.drain(1_000);
    const after = Array.from({ length: 50 }, () => unaryUnsafe({}));
    expect(await Promise.all([...before, ...after])).toHaveLength(100);
    await drained;
    expect(await unaryUnsafe({})).toEqual({});
    await second.server.drain(0);
  });
});

describe('a server that cannot listen', () => {
  it('names the address', async () => {
    const { server } = await start();
    const router = createRouter({ services: [] });
    await expect(serve(router, { listen: server.address })).rejects.toThrow(`can't listen on ${server.address}`);
    await server.drain(0);
  });
});
