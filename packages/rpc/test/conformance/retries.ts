import { describe, expect, it } from '@jest/globals';
import { bindingOf } from '../../src/client/client.js';
import type { ServerCall } from '../../src/exports/call.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { recordingLogger } from '../support/recording-logger.js';
import { wireCall } from '../support/wire-call.js';
import type { Harness } from './environment.js';

export function describeRetries({ start }: Harness): void {
  describe('what both sides tell each other about retries', () => {
    it.each([-1, 0, 250, 60_000])('is the pushback of a failure: %i ms', async (retryPushbackMs) => {
      const unaryUnsafe = async () => {
        throw new RpcError(Status.UNAVAILABLE, 'later', { retryPushbackMs });
      };
      const client = await start({ handlers: { unaryUnsafe } });
      expect(await failure(client.unaryUnsafe({}))).toMatchObject({ message: 'later', retryPushbackMs });
    });

    it('is no pushback without one', async () => {
      const unaryUnsafe = async () => {
        throw new RpcError(Status.UNAVAILABLE, 'later');
      };
      const client = await start({ handlers: { unaryUnsafe } });
      expect((await failure(client.unaryUnsafe({}))).retryPushbackMs).toBeUndefined();
    });

    it('is that an error was passed on: the tier next to the failure has retried the call', async () => {
      const unaryUnsafe = async () => {
        throw new RpcError(Status.UNAVAILABLE, 'the database is away');
      };
      const behind = await start({ handlers: { unaryUnsafe } });
      const client = await start({ handlers: { unaryUnsafe: () => behind.unaryUnsafe({}) } });
      expect(await failure(client.unaryUnsafe({}))).toMatchObject({ code: Status.UNAVAILABLE, retryPushbackMs: -1 });
    });

    it('is the number of earlier attempts, which the log has too', async () => {
      const { logger, lines } = recordingLogger();
      const counts: number[] = [];
      const unary = async (_request: object, call: ServerCall) => {
        counts.push(call.previousAttempts);
        call.log.info({ ...call }, 'copied');
        return {};
      };
      const client = await start({ logger, handlers: { unary } });
      const { method, channel } = bindingOf(client.unary);
      for (const previousAttempts of [undefined, 1, 4]) {
        await channel.call(method, wireCall({ path: method.path, previousAttempts }), { attempts: [] });
      }
      expect(counts).toEqual([0, 1, 4]);
      expect(lines.map(({ fields }) => Reflect.get(fields, 'previousAttempts'))).toEqual([0, 1, 4]);
    });
  });
}
