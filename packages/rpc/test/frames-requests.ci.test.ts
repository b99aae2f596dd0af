/** Requests by frames that are too long, or that nothing reads: their connection, and its other calls, are as good as before. */
import { describe, expect, it } from '@jest/globals';
import { Status } from '../src/exports/status.js';
import { CALL_WINDOW_BYTES, KIND, MESSAGE_COST, PIECE_BYTES } from '../src/transport/frames/frames.js';
import { failure } from './support/outcome.js';
import { connectRaw, frameOf } from './support/raw-frames.js';
import { socketsOfATest } from './support/sockets.js';
import { deferred, until } from './support/wait.js';

const { closers, startServer } = socketsOfATest();

const MIB = 1_024 * 1_024;
const pathOf = (method: string) => `/rondo.conformance.v1.ConformanceService/${method}`;
/** A call whose request is in its first frame, and one whose requests follow. */
const call = { id: 1, method: 0, path: pathOf('Unary'), message: Buffer.alloc(0) };
const stream = { ...call, path: pathOf('ClientStream'), message: undefined };

/** A connection whose frames a test writes by hand. */
function attack(address: string) {
  const raw = connectRaw(address);
  closers.push(() => raw.socket.destroy());
  return raw;
}

const piece = (length: number, totalBytes = 0) => ({
  message: { id: 1, data: Buffer.alloc(length), more: true, totalBytes },
});

describe('a client whose', () => {
  it('request in its first frame is too long gets an error for that call alone', async () => {
    const server = await startServer({}, { maxRequestBytes: 1_000 });
    const { send, ends } = attack(server.address);
    const message = Buffer.alloc(1_001);
    send({ call: { ...call, message, compressed: true } });
    send({ call: { ...call, id: 2, method: 1, path: stream.path, message } });
    send({ call: { ...call, id: 3, path: '' } });
    await until(() => ends.length === 3);
    expect(ends.map(({ id, failure }) => [id, failure?.code]).sort()).toEqual([
      [1, Status.RESOURCE_EXHAUSTED],
      [2, Status.RESOURCE_EXHAUSTED],
      [3, undefined],
    ]);
  });

  it('long request is refused while replies wait may still send its pieces', async () => {
    const server = await startServer({
      async *bidiStream(requests) {
        const read = failure(requests[Symbol.asyncIterator]().next());
        for (let left = 100; left > 0; left -= 1) yield { text: 'x'.repeat(16_000) };
        throw await read;
      },
    });
    const { send, ends } = attack(server.address);
    send({ call: { ...call, path: pathOf('BidiStream'), message: undefined } });
    send(piece(PIECE_BYTES, 5 * MIB));
    send(piece(PIECE_BYTES));
    send({ call: { ...call, id: 2, method: 1 } });
    await until(() => ends.length === 1);
    send({ credit: { id: 1, bytes: 2 * MIB } });
    await until(() => ends.length === 2);
    expect(ends.map(({ id, failure }) => [id, failure?.code])).toEqual([
      [2, undefined],
      [1, Status.RESOURCE_EXHAUSTED],
    ]);
  });

  it('requests nothing reads gets their credit back when their calls have ended', async () => {
    const go = deferred();
    const server = await startServer({ clientStream: () => go.promise.then(() => ({})) });
    const { send, ends, received } = attack(server.address);
    const pong = async () => {
      received.length = 0;
      send(frameOf(KIND.ping, Buffer.alloc(0)));
      await until(() => received.some(({ kind }) => kind === KIND.pong));
    };
    const data = Buffer.alloc(PIECE_BYTES - MESSAGE_COST);
    const CALLS = 150;
    for (let id = 1; id <= CALLS; id += 1) {
      send({ call: { ...stream, id, path: id === 1 ? stream.path : '' } });
      for (let left = CALL_WINDOW_BYTES / PIECE_BYTES; left > 0; left -= 1) send({ message: { id, data } });
      if (id % 10 === 0) await pong();
    }
    go.resolve();
    await until(() => ends.length === CALLS);
    expect(received.filter(({ credit }) => credit !== undefined)).toEqual([
      { kind: KIND.credit, credit: { id: 0, bytes: expect.any(Number) } },
    ]);
  });
});
