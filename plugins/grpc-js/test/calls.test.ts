import { once } from 'node:events';
import { type ServerUnaryCall, type StatusObject, type ClientUnaryCall as SurfaceCall, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import { packDetail } from '@rondo/rpc/status';
import { answerOf, type Client, endOf, type Implementation, metadataOf, type Pair, readAll, WAYS } from './fixture.js';

const pairs: Pair[] = [];
afterEach(async () => {
  await Promise.all(pairs.splice(0).map((pair) => pair.close()));
});

const DETAILS = 'grpc-status-details-bin';

// What grpc-js does at both ends, the others do as well.
describe.each(WAYS)('$way', ({ connect }) => {
  const start = async (implementation: Implementation) => {
    const pair = await connect(implementation);
    pairs.push(pair);
    return pair.client;
  };

  it('carries one request and one reply, with metadata', async () => {
    const client = await start({
      unary(call, callback) {
        call.sendMetadata(metadataOf({ header: 'h', 'header-bin': Buffer.from([0, 255]) }));
        callback(null, { text: `${call.request.text} ${call.metadata.get('tenant')}` }, metadataOf({ note: 't' }));
      },
    });
    const { reply, header, end } = await answerOf((done) =>
      client.unary({ text: 'a' }, metadataOf({ tenant: 'b' }), done),
    );
    expect(reply).toMatchObject({ text: 'a b' });
    expect([header?.get('header'), header?.get('header-bin')]).toEqual([['h'], [Buffer.from([0, 255])]]);
    expect([end.code, end.metadata.get('note')]).toEqual([status.OK, ['t']]);
  });

  it('carries a status with its details, text and metadata', async () => {
    const detail = packDetail(ErrorInfo, { reason: 'GONE' });
    const packed = RichStatus.encode(RichStatus.fromPartial({ code: 5, message: 'gone', details: [detail] })).finish();
    const metadata = metadataOf({ note: 'n', [DETAILS]: Buffer.from(packed) });
    const client = await start({
      unary(_call, callback) {
        callback({ code: status.NOT_FOUND, details: 'gone', metadata });
      },
      unaryUnsafe(_call, callback) {
        callback(Object.assign(new Error('not today'), { code: status.FAILED_PRECONDITION }), null, metadata);
      },
      serverStream(call) {
        call.write({ index: 7 });
        call.emit('error', { code: status.ABORTED, details: 'enough', metadata });
      },
    });
    const one = await answerOf((done) => client.unary({}, done));
    expect(one.error).toMatchObject({ code: status.NOT_FOUND, details: 'gone' });
    const other = await answerOf((done) => client.unaryUnsafe({}, done));
    expect(other.error).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'not today' });
    const stream = await readAll(client.serverStream({}));
    expect(stream.messages).toMatchObject([{ index: 7 }]);
    expect(stream.error).toMatchObject({ code: status.ABORTED, details: 'enough' });
    for (const end of [one.error?.metadata, other.error?.metadata, stream.end.metadata]) {
      expect(end?.get('note')).toEqual(['n']);
      const [bytes] = end?.get(DETAILS) ?? [];
      expect(RichStatus.decode(Buffer.from(bytes ?? '')).details).toEqual([detail]);
    }
  });

  it('answers a method that is not implemented with UNIMPLEMENTED', async () => {
    const client = await start({});
    const { error } = await answerOf((done) => client.unary({}, done));
    expect(error?.code).toBe(status.UNIMPLEMENTED);
    const stream = await readAll(client.serverStream({}));
    expect(stream.error?.code).toBe(status.UNIMPLEMENTED);
  });

  it('carries many requests and one reply', async () => {
    const client = await start({
      clientStream(call, callback) {
        const texts: string[] = [];
        call.on('data', ({ text }) => texts.push(text));
        call.on('end', () => callback(null, { texts }, metadataOf({ note: 't' })));
      },
    });
    const { reply, end } = await answerOf((done) => {
      const call = client.clientStream(done);
      for (const text of ['a', 'b', 'c']) call.write({ text });
      call.end();
      return call;
    });
    expect(reply).toMatchObject({ texts: ['a', 'b', 'c'] });
    expect(end.metadata.get('note')).toEqual(['t']);
  });

  it('carries a reply that comes before the last request', async () => {
    const client = await start({
      clientStream(call, callback) {
        call.once('data', ({ text }) => callback(null, { texts: [text] }));
      },
    });
    const { reply } = await answerOf((done) => {
      const call = client.clientStream(done);
      call.write({ text: 'a' });
      return call;
    });
    expect(reply).toMatchObject({ texts: ['a'] });
  });

  it('carries one request and many replies, with metadata at both ends', async () => {
    const client = await start({
      serverStream(call) {
        call.sendMetadata(metadataOf({ header: 'h' }));
        for (let index = 0; index < call.request.count; index += 1) call.write({ index });
        call.end(metadataOf({ note: 't' }));
      },
    });
    const { header, messages, end, error } = await readAll(client.serverStream({ count: 100 }));
    expect(header?.get('header')).toEqual(['h']);
    expect(messages.map(({ index = 0 }) => index)).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect([end.code, end.metadata.get('note'), error]).toEqual([status.OK, ['t'], undefined]);
  });

  it('carries many requests with a reply to each', async () => {
    const client = await start({
      bidiStream(call) {
        call.on('data', ({ text }) => call.write({ text: text.toUpperCase() }));
        call.on('end', () => call.end());
      },
    });
    const call = client.bidiStream();
    const texts: string[] = [];
    call.on('data', ({ text }: { text: string }) => {
      texts.push(text);
      // Each request is sent once the reply to the one before has come.
      if (texts.length < 3) call.write({ text: `${text}x`.toLowerCase() });
      else call.end();
    });
    call.write({ text: 'a' });
    const { code } = await endOf(call);
    expect({ code, texts }).toEqual({ code: status.OK, texts: ['A', 'AX', 'AXX'] });
  });

  it.each<{ kind: string; method: keyof Implementation; begin: (client: Client) => SurfaceCall }>([
    { kind: 'unary', method: 'unary', begin: (client) => client.unary({}, () => undefined) },
    { kind: 'client-streaming', method: 'clientStream', begin: (client) => client.clientStream(() => undefined) },
    { kind: 'server-streaming', method: 'serverStream', begin: (client) => client.serverStream({}) },
    { kind: 'bidirectional', method: 'bidiStream', begin: (client) => client.bidiStream() },
  ])('tells the handler of a $kind call that the client has cancelled it', async ({ method, begin }) => {
    let call: SurfaceCall | undefined;
    let end: Promise<StatusObject> | undefined;
    const served = await new Promise<ServerUnaryCall<unknown, unknown>>((resolve) => {
      void start({ [method]: resolve }).then((client) => {
        call = begin(client).on('error', () => undefined);
        end = endOf(call);
      });
    });
    expect(served.cancelled).toBe(false);
    const cancelled = once(served, 'cancelled');
    call?.cancel();
    await cancelled;
    expect(served.cancelled).toBe(true);
    expect(await end).toMatchObject({ code: status.CANCELLED, details: 'Cancelled on client' });
  });

  it('tells the handler the deadline, at which a call without an answer ends', async () => {
    const client = await start({
      unary: (call, callback) => callback(null, { text: String(call.getDeadline()) }),
      unaryUnsafe() {},
      serverStream() {},
    });
    const late = Date.now() + 600_000;
    const { reply } = await answerOf((done) => client.unary({}, { deadline: late }, done));
    const { text } = Object(reply);
    expect(Math.abs(Number(text) - late)).toBeLessThan(300_000);
    const soon = { deadline: new Date(Date.now() + 100) };
    const { error } = await answerOf((done) => client.unaryUnsafe({}, soon, done));
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    const stream = await readAll(client.serverStream({}, { deadline: Date.now() + 100 }));
    expect(stream.error?.code).toBe(status.DEADLINE_EXCEEDED);
  });

  it('sends requests that wait for replies which are not read, and loses none', async () => {
    const client = await start({
      bidiStream(call) {
        call.on('data', (message) => {
          if (!call.write(message)) call.pause();
        });
        call.on('drain', () => call.resume());
        call.on('end', () => call.end());
      },
    });
    const call = client.bidiStream();
    const texts = Array.from({ length: 200 }, (_, index) => `${index} ${'x'.repeat(1_000)}`);
    const write = async () => {
      for (const text of texts) if (!call.write({ text })) await once(call, 'drain');
      call.end();
    };
    const [{ messages, end }] = await Promise.all([readAll(call), write()]);
    expect(end.code).toBe(status.OK);
    expect(messages.map(({ text }) => text)).toEqual(texts);
  });
});
