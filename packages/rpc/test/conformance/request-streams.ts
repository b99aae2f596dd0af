import { describe, expect, it } from '@jest/globals';
import { currentScope } from '../../src/exports/call.js';
import { RpcError, Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { collect, endless, silent, streamOf } from '../support/stream.js';
import { deferred, expire } from '../support/wait.js';
import type { Harness } from './environment.js';

/** The guarantees to a caller's request generator. */
export function describeRequestStreams({ start }: Harness): void {
  describe('request streams', () => {
    it('are closed when the handler answers before their end', async () => {
      const ended = deferred();
      const { clientStream } = await start({
        handlers: {
          async clientStream(requests) {
            await requests[Symbol.asyncIterator]().next();
            return { texts: ['enough'] };
          },
        },
      });
      expect(await clientStream(endless({}, { end: ended.resolve }))).toEqual({ texts: ['enough'] });
      await ended.promise;
    });

    it('are closed when the handler fails before their end', async () => {
      const ended = deferred();
      const client = await start({
        handlers: {
          async clientStream(requests) {
            for await (const _request of requests) throw new RpcError(Status.ABORTED, 'no more');
            return {};
          },
        },
      });
      const call = client.clientStream(endless({}, { end: ended.resolve }));
      expect(await failure(call)).toMatchObject({ code: Status.ABORTED });
      await ended.promise;
    });

    it('are closed while they wait', async () => {
      const left = deferred();
      const { clientStream } = await start({
        handlers: {
          async clientStream(requests) {
            const next = requests[Symbol.asyncIterator]().next();
            await Promise.race([next, new Promise(setImmediate)]);
            return {};
          },
        },
      });
      await clientStream(silent(left.resolve));
      await left.promise;
    });

    it('are closed at the deadline, and the handler never takes that for their end', async () => {
      const outcome = deferred<unknown>();
      const left = deferred();
      let reached = false;
      const { clientStream } = await start({
        handlers: {
          async clientStream(requests) {
            reached = true;
            await collect(requests).then(outcome.resolve, outcome.resolve);
            return {};
          },
        },
      });
      await expire(
        (timeoutMs) => clientStream(silent(left.resolve), { timeoutMs }),
        () => reached,
      );
      expect(await outcome.promise).toBeInstanceOf(Error);
      await left.promise;
    });

    it('end the call if they fail, with their error as its cause', async () => {
      const outcome = deferred<unknown>();
      const client = await start({
        handlers: {
          async clientStream(requests) {
            await collect(requests).then(outcome.resolve, outcome.resolve);
            return {};
          },
        },
      });
      const cause = new Error('the file ends here');
      async function* requests() {
        yield { text: 'a' };
        throw cause;
      }
      const expected = { code: Status.CANCELLED, message: expect.stringContaining(cause.message) };
      const error = await failure(client.clientStream(requests()));
      expect(error).toMatchObject(expected);
      expect(error.cause).toMatchObject({ cause });
      expect(await outcome.promise).toBeInstanceOf(Error);
      expect(await failure(collect(client.bidiStream(requests())))).toMatchObject(expected);
    });

    it('end the call if a message does not fit the contract', async () => {
      const { clientStream } = await start();
      const call = clientStream(streamOf(JSON.parse('{"behaviour":{"delay":{"seconds":"no number"}}}')));
      expect(await failure(call)).toMatchObject({ code: Status.INVALID_ARGUMENT });
    });

    it("run in their caller's scope, whatever reads them", async () => {
      const { bidiStream } = await start();
      const scopes: unknown[] = [];
      async function* requests() {
        for (const text of ['a', 'b']) {
          scopes.push(currentScope());
          yield { text };
        }
        scopes.push(currentScope());
      }
      await collect(bidiStream(requests()));
      expect(scopes).toEqual([undefined, undefined, undefined]);
    });
  });
}
