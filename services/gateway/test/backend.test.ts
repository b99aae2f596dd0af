import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BidiStreamRequest,
  BidiStreamResponse,
  ClientStreamRequest,
  ClientStreamResponse,
  FollowResponse,
  ServerStreamResponse,
  UnaryRequest,
  UnaryResponse,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { CallContext, Metadata, type ServerCall } from '@rondo/rpc/call';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import type { BackendReply } from '../src/protocols/backend.js';
import { type ReplicaHandlers, startReplicas, TRACE_ID } from './support/replicas.js';
import { until } from './support/until.js';

let open: Awaited<ReturnType<typeof startReplicas>> | undefined;
afterEach(() => open?.close());

async function replicas(...handlers: readonly ReplicaHandlers[]) {
  open = await startReplicas(handlers);
  return open;
}

const unary = (text: string) => ({
  stream: false as const,
  message: UnaryRequest.encode(UnaryRequest.fromPartial({ text })).finish(),
});
const stream = (messages: AsyncIterable<Uint8Array>) => ({ stream: true as const, messages });

function single({ response }: BackendReply): Uint8Array {
  if (response.stream) throw new Error('it is a stream');
  return response.message;
}

function many({ response }: BackendReply): AsyncIterable<Uint8Array> {
  if (!response.stream) throw new Error('it is one message');
  return response.messages;
}

async function collect(messages: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

/** The value of `read` once it hasn't changed for a while. */
async function atRest(read: () => number): Promise<number> {
  for (let before = -1; before !== read(); await sleep(systemClock, 150)) before = read();
  return read();
}

async function* texts(...all: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of all) yield ClientStreamRequest.encode({ text, behaviour: undefined }).finish();
}

describe('each kind of call', () => {
  it('one request, one reply: metadata and trailers arrive, and the reply says where it comes from', async () => {
    const { call, paths } = await replicas({
      unary: ({ text }, { metadata, header, trailer }) => {
        header.set('seen', `${metadata.get('tenant')}`);
        trailer.set('state-bin', metadata.getBytes('key-bin') ?? Buffer.alloc(0));
        trailer.set('cost', '7');
        return { text: `${text}!` };
      },
    });
    const metadata = new Metadata({ tenant: 'acme', 'key-bin': Buffer.from([0, 1, 255]) });
    const reply = await call('unary', { request: unary('hello'), metadata });
    expect(UnaryResponse.decode(single(reply)).text).toBe('hello!');
    expect(reply.header.get('seen')).toBe('acme');
    expect(reply.trailer.get('cost')).toBe('7');
    expect(reply.trailer.getBytes('state-bin')).toEqual(Buffer.from([0, 1, 255]));
    expect(reply.from?.address).toBe(paths[0]?.address);
  });

  it('many requests, one reply', async () => {
    const { call } = await replicas({
      async clientStream(requests) {
        const all: string[] = [];
        for await (const { text } of requests) all.push(text);
        return { texts: all };
      },
    });
    const reply = await call('clientStream', { request: stream(texts('a', 'b', 'c')) });
    expect(ClientStreamResponse.decode(single(reply)).texts).toEqual(['a', 'b', 'c']);
  });

  it('one request, many replies, and then the trailers', async () => {
    const { call } = await replicas({
      async *serverStream(_request, { header, trailer }) {
        header.set('first', 'yes');
        for (let index = 0; index < 3; index += 1) yield { index };
        trailer.set('last', 'yes');
      },
    });
    const reply = await call('serverStream', {});
    expect(reply.header.get('first')).toBe('yes');
    const replies = await collect(many(reply));
    expect(replies.map((bytes) => ServerStreamResponse.decode(bytes).index)).toEqual([0, 1, 2]);
    expect(reply.trailer.get('last')).toBe('yes');
  });

  it('many requests, a reply to each before the next is sent', async () => {
    const { call } = await replicas({
      async *bidiStream(requests) {
        for await (const { text } of requests) yield { text: `${text}!` };
      },
    });
    let answered: () => void = () => undefined;
    async function* requests(): AsyncGenerator<Uint8Array> {
      for (const text of ['a', 'b']) {
        const reply = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield BidiStreamRequest.encode({ text, behaviour: undefined }).finish();
        await reply;
      }
    }
    const received: string[] = [];
    for await (const bytes of many(await call('bidiStream', { request: stream(requests()) }))) {
      received.push(BidiStreamResponse.decode(bytes).text);
      answered();
    }
    expect(received).toEqual(['a!', 'b!']);
  });
});

describe('back-pressure', () => {
  const MESSAGE_BYTES = 32 * 1024;
  /** The windows and buffers between the two ends. */
  const MAX_AHEAD_BYTES = 2 * 1024 * 1024;

  it('of a slow reader bounds what the server produces', async () => {
    let produced = 0;
    const { call } = await replicas({
      async *serverStream() {
        for (; ; produced += 1) yield { payload: Buffer.alloc(MESSAGE_BYTES) };
      },
    });
    const messages = many(await call('serverStream', {}))[Symbol.asyncIterator]();
    await messages.next();
    expect((await atRest(() => produced)) * MESSAGE_BYTES).toBeLessThan(MAX_AHEAD_BYTES);
    await messages.return?.();
  });

  it('of a slow server bounds what is read from the caller', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { call } = await replicas({
      async clientStream() {
        await ended;
        return {};
      },
    });
    let read = 0;
    async function* requests(): AsyncGenerator<Uint8Array> {
      const text = 'x'.repeat(MESSAGE_BYTES);
      for (; ; read += 1) yield ClientStreamRequest.encode({ text, behaviour: undefined }).finish();
    }
    const calling = call('clientStream', { request: stream(requests()) });
    expect((await atRest(() => read)) * MESSAGE_BYTES).toBeLessThan(MAX_AHEAD_BYTES);
    end();
    await calling;
  });
});

describe('the end of a call', () => {
  /** A handler that waits until its call ends. */
  const waiting = (begun: ServerCall[]) => (_request: unknown, call: ServerCall) => {
    begun.push(call);
    return new Promise<never>((_resolve, reject) =>
      call.signal.addEventListener('abort', () => reject(call.signal.reason)),
    );
  };

  it('by its caller reaches the server', async () => {
    const begun: ServerCall[] = [];
    const { call } = await replicas({ unary: waiting(begun) });
    const context = new CallContext();
    const failing = failureOf(call('unary', { context }));
    await until(() => begun.length === 1);
    context.end(new RpcError(Status.CANCELLED, 'the client went away'));
    expect(await failing).toBe(context.reason);
    await until(() => begun[0]?.signal.aborted === true);
  });

  it('by its caller reaches the server of a stream that is not being read', async () => {
    let left = false;
    const { call } = await replicas({
      async *serverStream() {
        try {
          for (;;) yield { payload: Buffer.alloc(32 * 1024) };
        } finally {
          left = true;
        }
      },
    });
    const context = new CallContext();
    await call('serverStream', { context });
    context.end(new RpcError(Status.CANCELLED, 'the client went away'));
    await until(() => left);
  });

  it('by the server closes the stream of requests, even while the next one is due', async () => {
    const { call } = await replicas({
      async clientStream(requests) {
        for await (const _ of requests) throw new RpcError(Status.ABORTED, 'enough');
        return {};
      },
    });
    let closed = false;
    const first = texts('a');
    const messages: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          const step = await first.next();
          return step.done === true ? new Promise(() => undefined) : step;
        },
        async return() {
          closed = true;
          return { done: true, value: undefined };
        },
      }),
    };
    const error = await failureOf(call('clientStream', { request: stream(messages) }));
    expect(error).toMatchObject({ code: Status.ABORTED, message: 'enough' });
    expect(closed).toBe(true);
  });

  it('by a deadline: the server gets the one that the caller gave, and none if it gave none', async () => {
    const given: (number | undefined)[] = [];
    const { call } = await replicas({
      unaryUnsafe: (_request, { callerDeadline }) => {
        given.push(callerDeadline && callerDeadline.getTime() - Date.now());
        return {};
      },
    });
    await call('unaryUnsafe', { timeoutMs: 1_000_000 });
    await call('unaryUnsafe', {});
    const [leftMs, none] = given;
    expect(leftMs).toBeGreaterThan(100_000);
    expect(leftMs).toBeLessThanOrEqual(1_000_000);
    expect(none).toBeUndefined();
  });

  it('by a deadline that no server answers has a fixed text; the log has what the call was waiting for', async () => {
    const { call, lines, paths } = await replicas({ unaryUnsafe: () => ({}) });
    await call('unaryUnsafe', {});
    paths[0]?.stall();
    const error = await failureOf(call('unaryUnsafe', { timeoutMs: 50 }));
    const message = `the call took longer than it may (trace ${TRACE_ID})`;
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED, message });
    expect(JSON.stringify(lines, reports)).toContain(paths[0]?.address);
  });
});

describe('a replica that is killed', () => {
  /** Two replicas of which the first to be called holds the call, until its path is cut. */
  async function held() {
    const begun: string[] = [];
    const begin = async (name: string) => {
      begun.push(name);
      if (begun.length === 1) await new Promise(() => undefined);
    };
    const replica = (name: string): ReplicaHandlers => ({
      async unary() {
        await begin(name);
        return { text: name };
      },
      async unaryUnsafe() {
        await begin(name);
        return {};
      },
    });
    const [one, other] = [replica('one'), replica('other')];
    const made = await replicas(one, other);
    const kill = async () => {
      await until(() => begun.length === 1);
      made.paths[begun[0] === 'one' ? 0 : 1]?.cut();
    };
    return { ...made, begun, kill };
  }

  it('in a call that may be repeated is replaced by another', async () => {
    const { call, begun, kill, paths } = await held();
    const calling = call('unary', { request: unary('x') });
    await kill();
    const reply = await calling;
    expect(new Set(begun)).toEqual(new Set(['one', 'other']));
    expect(UnaryResponse.decode(single(reply)).text).toBe(begun[1]);
    expect(reply.from?.address).toBe(paths[begun[1] === 'one' ? 0 : 1]?.address);
  });

  it('in a call that must not be repeated fails it, without its address; the log has that', async () => {
    const { call, begun, kill, lines, paths } = await held();
    const failing = failureOf(call('unaryUnsafe', {}));
    await kill();
    const error = await failing;
    const message = `rondo.conformance.v1.ConformanceService can't be reached now; call again soon (trace ${TRACE_ID})`;
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message });
    expect(begun).toHaveLength(1);
    const [line] = lines;
    expect(line).toMatchObject({ level: 'warn', fields: { trace: TRACE_ID } });
    expect(paths.some(({ address }) => JSON.stringify(line?.fields, reports).includes(address))).toBe(true);
  });

  it('in the middle of a stream breaks it with a public error', async () => {
    const { call, paths, lines } = await replicas({
      async *serverStream() {
        yield { index: 0 };
        await new Promise(() => undefined);
      },
    });
    const messages = many(await call('serverStream', {}))[Symbol.asyncIterator]();
    await messages.next();
    paths[0]?.cut();
    const error = await failureOf(messages.next());
    expect(error).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining("can't be reached now") });
    expect(lines).toHaveLength(1);
  });

  it('in the middle of a stream that can be resumed is replaced by another, without loss and without duplicates', async () => {
    const tokens: string[] = [];
    const replica: ReplicaHandlers = {
      async *follow({ resumeToken }) {
        tokens.push(resumeToken);
        const from = Number(resumeToken);
        for (let index = from; index < from + 3; index += 1) yield { index, resumeToken: `${index + 1}` };
        if (tokens.length === 1) await new Promise(() => undefined);
      },
    };
    const { call, paths } = await replicas(replica, replica);
    const reply = await call('follow', { request: { stream: false, message: new Uint8Array() } });
    const received: (readonly [index: number, from: string | undefined])[] = [];
    for await (const bytes of many(reply)) {
      received.push([FollowResponse.decode(bytes).index, reply.from?.address]);
      if (received.length === 3) paths.find(({ address }) => address === reply.from?.address)?.cut();
    }
    const [, , [, first] = [], [, second] = []] = received;
    expect(received.map(([index]) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(second).not.toBe(first);
    expect(tokens).toEqual(['', '3']);
  });

  it('and is the last one known: the error says that no instance is running', async () => {
    const { call, paths, forget } = await replicas({});
    await paths[0]?.close();
    forget();
    const message = 'no instance of rondo.conformance.v1.ConformanceService is running';
    expect(await failureOf(call('unaryUnsafe', {}))).toMatchObject({ code: Status.UNAVAILABLE, message });
  });
});

/** JSON of errors, with what they report. */
function reports(_key: string, value: unknown): unknown {
  return value instanceof RpcError ? { message: value.message, report: value.report } : value;
}

it("a server's own error arrives as it is", async () => {
  const { call, lines } = await replicas({
    unary: () =>
      Promise.reject(
        new RpcError(Status.NOT_FOUND, 'no such order', { metadata: new Metadata({ hint: 'try again' }) }),
      ),
  });
  const error = await failureOf(call('unary', {}));
  expect(error).toMatchObject({ code: Status.NOT_FOUND, message: 'no such order', origin: 'server' });
  expect(error.metadata.get('hint')).toBe('try again');
  expect(lines).toEqual([]);
});

it("a server's own text keeps what resembles an address, and names no instance's", async () => {
  let inside = '';
  const { call, paths } = await replicas({
    unary: () => Promise.reject(new RpcError(Status.NOT_FOUND, `there is no user:12345 at ${inside}`)),
  });
  inside = paths[0]?.address ?? '';
  expect(await failureOf(call('unary', {}))).toMatchObject({ message: 'there is no user:12345 at …' });
});
