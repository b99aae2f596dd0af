import { describe, expect, it } from '@jest/globals';
import { type RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { type Line, recordingLogger } from '../support/recording-logger.js';
import { collect, streamOf } from '../support/stream.js';
import type { Harness } from './environment.js';

const SECRET = 'postgres://user:password@db';

/** Values that a handler may throw: anything. A function creates each, because JSON can't express them all. */
const THROWN: readonly (readonly [string, () => unknown])[] = [
  ['an Error', () => new Error(SECRET)],
  ['a string', () => SECRET],
  ['undefined', () => undefined],
  ['null', () => null],
  ['a number', () => 14],
  ['an object that looks like a status', () => ({ code: 5, details: SECRET })],
  ['an Error without a prototype', () => Object.create(null)],
];

/** A fault of which no caller may see anything. */
function expectHidden(error: RpcError, lines: readonly Line[]): void {
  const [, traceId] =
    /^internal error; the log of the service has it: rondo logs --trace ([0-9a-f]{32})$/.exec(error.message) ?? [];
  expect(error.code).toBe(Status.INTERNAL);
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'error', fields: expect.objectContaining({ traceId }) }),
  );
  expect(error.details).toEqual([]);
  expect(JSON.stringify([...error.metadata])).not.toContain(SECRET);
}

export function describeFaults({ start }: Harness): void {
  describe('a handler that', () => {
    it.each(THROWN)(
      'throws %s: INTERNAL with a fixed text and an id, in every kind of method',
      async (_name, fault) => {
        const { logger, lines } = recordingLogger();
        const rejects = async () => {
          throw fault();
        };
        async function* atOnce(): AsyncGenerator<object> {
          throw fault();
        }
        async function* later() {
          yield {};
          throw fault();
        }
        const handlers = { unary: rejects, clientStream: rejects, serverStream: atOnce, bidiStream: later };
        const client = await start({ logger, handlers });
        expectHidden(await failure(client.unary({})), lines);
        expectHidden(await failure(client.clientStream(streamOf({}))), lines);
        expectHidden(await failure(collect(client.serverStream({}))), lines);
        expectHidden(await failure(collect(client.bidiStream(streamOf({})))), lines);
      },
    );

    it('throws before it returns anything', async () => {
      const { logger, lines } = recordingLogger();
      const thrower = () => {
        throw new Error(SECRET);
      };
      const client = await start({ logger, handlers: { unary: thrower, serverStream: thrower } });
      expectHidden(await failure(client.unary({})), lines);
      expectHidden(await failure(collect(client.serverStream({}))), lines);
    });

    it.each([
      ['nothing', undefined],
      ['null', null],
      ['text', 'text'],
      ['an array instead of bytes', { payload: [{}], text: [] }],
      ['a field that is a function', { text: () => SECRET, remaining: { seconds: 'no number' } }],
    ])('returns %s instead of a message', async (_name, garbage: unknown) => {
      const { logger, lines } = recordingLogger();
      // A handler in plain JavaScript, or with a cast, can do this.
      const unary = async () => garbage as object;
      async function* serverStream() {
        yield { index: 0 };
        yield garbage as object;
      }
      const client = await start({ logger, handlers: { unary, serverStream } });
      expectHidden(await failure(client.unary({})), lines);
      if (typeof garbage !== 'object' || garbage === null) {
        expectHidden(await failure(collect(client.serverStream({}))), lines);
      }
    });

    it.each([[undefined], [null], [7], [{}]])('returns %s instead of a stream', async (garbage: unknown) => {
      const { logger, lines } = recordingLogger();
      const serverStream = () => garbage as AsyncIterable<object>;
      const client = await start({ logger, handlers: { serverStream } });
      expectHidden(await failure(collect(client.serverStream({}))), lines);
    });

    it('yields garbage is closed, and cleans up', async () => {
      const { logger, lines } = recordingLogger();
      let cleaned = false;
      async function* serverStream() {
        try {
          yield JSON.parse('"garbage"');
        } finally {
          cleaned = true;
        }
      }
      const client = await start({ logger, handlers: { serverStream } });
      expectHidden(await failure(collect(client.serverStream({}))), lines);
      expect(cleaned).toBe(true);
    });

    it('fails in its cleanup after a cancelled call: no other call is affected', async () => {
      const { logger, lines } = recordingLogger();
      async function* serverStream() {
        try {
          for (;;) yield {};
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: a failing cleanup is the point.
          throw new Error(SECRET);
        }
      }
      const client = await start({ logger, handlers: { serverStream } });
      for await (const _reply of client.serverStream({})) break;
      await client.unary({});
      expect(lines).toHaveLength(1);
    });
  });
}
