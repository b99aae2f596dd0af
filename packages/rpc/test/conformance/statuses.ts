import { describe, expect, it } from '@jest/globals';
import { BadRequest, ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { unimplemented as notWritten } from '../../src/exports/server.js';
import { invalidArgument, packDetail, RpcError, Status, type StatusName } from '../../src/exports/status.js';
import { statusName } from '../../src/status/code.js';
import { failure } from '../support/outcome.js';
import { collect, streamOf } from '../support/stream.js';
import type { Harness } from './environment.js';

const FAILURES = Object.values(Status).filter((code) => code !== Status.OK);

/** The caller gets the status that the handler throws. */
export function describeStatuses({ start }: Harness): void {
  describe('statuses', () => {
    it.each(FAILURES.map((code): [StatusName, Status] => [statusName(code), code]))(
      'carries %s',
      async (_name, code) => {
        const { unary, serverStream } = await start();
        const behaviour = { code, message: 'what to do about it' };
        const expected = { code, message: 'what to do about it', details: [] };
        expect(await failure(unary({ behaviour }))).toMatchObject(expected);
        expect(await failure(collect(serverStream({ behaviour })))).toMatchObject(expected);
        expect(await failure(collect(serverStream({ count: 2, behaviour })))).toMatchObject(expected);
      },
    );

    it('treats a thrown OK as an internal error', async () => {
      const ok = new RpcError(Status.OK, 'fine');
      const { unary } = await start({ handlers: { unary: () => Promise.reject(ok) } });
      expect(await failure(unary({}))).toMatchObject({ code: Status.INTERNAL });
    });

    it('delivers the replies before the failure', async () => {
      const { serverStream } = await start();
      const seen: number[] = [];
      const read = async () => {
        const behaviour = { code: Status.ABORTED, message: 'enough' };
        for await (const { index } of serverStream({ count: 3, behaviour })) seen.push(index);
      };
      expect(await failure(read())).toMatchObject({ code: Status.ABORTED });
      expect(seen).toEqual([0, 1, 2]);
    });

    it('carries details, several and of any kind', async () => {
      const violations = [{ field: 'b', description: 'must not be 0; divide by something else' }];
      const { details } = invalidArgument(violations);
      const info = packDetail(ErrorInfo, { reason: 'DIVISION_BY_ZERO', domain: 'rondo.test', metadata: { b: '0' } });
      const thrown = new RpcError(Status.INVALID_ARGUMENT, 'b: must not be 0', { details: [...details, info] });
      const { unary } = await start({ handlers: { unary: () => Promise.reject(thrown) } });
      const error = await failure(unary({}));
      expect(error.detail(BadRequest)?.fieldViolations).toMatchObject(violations);
      expect(error.detail(ErrorInfo)).toMatchObject({ reason: 'DIVISION_BY_ZERO', metadata: { b: '0' } });
    });

    it.each([
      ['text of any language', '不明な製品 🧮 – naïve'],
      ['what has a meaning in a URL', '100 % of a/b?c#d&e+f %41'],
      ['line breaks and control characters', 'first\r\nsecond\ttab'],
      ['nothing', ''],
    ])('carries %s in a message', async (_name, message) => {
      const { unary } = await start();
      expect(await failure(unary({ behaviour: { code: Status.NOT_FOUND, message } }))).toMatchObject({ message });
    });

    it('repairs a message that is not well-formed text', async () => {
      const thrown = new RpcError(Status.NOT_FOUND, 'half \ud83e of a character');
      const { unary } = await start({ handlers: { unary: () => Promise.reject(thrown) } });
      expect(await failure(unary({}))).toMatchObject({ message: 'half \ufffd of a character' });
    });

    it('cuts a message that is too long for a connection', async () => {
      const thrown = new RpcError(Status.NOT_FOUND, 'no product is called é'.repeat(10_000));
      const { unary, serverStream } = await start({
        handlers: {
          unary: () => Promise.reject(thrown),
          async *serverStream() {
            yield {};
            throw thrown;
          },
        },
      });
      for (const error of [await failure(unary({})), await failure(collect(serverStream({})))]) {
        expect(error.code).toBe(Status.NOT_FOUND);
        expect(error.message.startsWith('no product is called é')).toBe(true);
        expect(error.message.endsWith('…')).toBe(true);
      }
    });

    it('answers UNIMPLEMENTED if the server has no such method', async () => {
      const { unimplemented } = await start();
      expect(await failure(unimplemented({}))).toMatchObject({ code: Status.UNIMPLEMENTED });
    });

    it('answers UNIMPLEMENTED for every kind of unwritten method, and names the file', async () => {
      const later = notWritten('src/later.ts');
      const handlers = { unary: later, clientStream: later, serverStream: later, bidiStream: later };
      const { unary, clientStream, serverStream, bidiStream } = await start({ handlers });
      const failures = {
        Unary: failure(unary({})),
        ClientStream: failure(clientStream(streamOf({ text: 'a' }))),
        ServerStream: failure(collect(serverStream({}))),
        BidiStream: failure(collect(bidiStream(streamOf({ text: 'a' })))),
      };
      for (const [name, failed] of Object.entries(failures)) {
        const message = `/rondo.conformance.v1.ConformanceService/${name} isn't written yet: its handler belongs in src/later.ts`;
        expect(await failed).toMatchObject({ code: Status.UNIMPLEMENTED, message });
      }
    });
  });
}
