import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { createRouter, type Handlers, implement } from '@rondo/rpc/server';
import { packDetail, RpcError, Status } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { expire } from '../../../packages/rpc/test/support/wait.js';
import type { Backend } from '../src/protocols/backend.js';
import { gateway } from './support/calling.js';
import { cleanUp, closeAll, logged } from './support/listening.js';
import { NoteServiceDefinition, note } from './support/note-service.js';

const text = (message: Uint8Array) => String(Buffer.from(message).subarray(2));

let seen: string[] = [];
let left: Promise<unknown> = Promise.resolve();

const handlers: Handlers<typeof NoteServiceDefinition> = {
  put(message, { header, trailer, metadata, callerDeadline }) {
    if (text(message) === 'bad') {
      const details = [packDetail(BadRequest, { fieldViolations: [{ field: 'text', description: 'is bad' }] })];
      throw new RpcError(Status.INVALID_ARGUMENT, 'ein schlechter Text: ☹', { details });
    }
    header.append('x-asked', metadata.get('x-ask') ?? 'nothing');
    trailer.append('x-bytes-bin', Buffer.from([1, 2, 3]));
    if (callerDeadline !== undefined) header.append('x-deadline', 'set');
    return Buffer.from(message);
  },
  get: (_message, { signal }) => {
    left = new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));
    return new Promise(() => undefined);
  },
  async *list(message, { header }) {
    header.append('x-list', 'yes');
    for (const letter of text(message)) yield note(letter);
  },
  async collect(messages) {
    seen = [];
    for await (const message of messages) seen.push(text(message));
    return note(seen.join(''));
  },
  async *chat(messages) {
    for await (const message of messages) yield note(text(message).toUpperCase());
  },
};

const router = createRouter({ services: [implement(NoteServiceDefinition, handlers)] });

/** Calls the handlers of this file, as the backend calls an instance. */
const backend: Backend = async ({ target, metadata, timeoutMs, context, request }) => {
  if (typeof request === 'function') throw new TypeError('bytes need no encoding');
  const { path, responseStream } = target.method;
  const deadline = timeoutMs === undefined ? undefined : systemClock.now() + timeoutMs;
  const reply = await router.handle({ path, responseStream, metadata, deadline, context, request, peer: '' });
  return { ...reply, from: undefined };
};

function connect(port: number) {
  const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
  cleanUp(() => channel.close());
  return createClient(NoteServiceDefinition, { channel });
}

let client: ReturnType<typeof connect>;
beforeEach(async () => {
  client = connect((await gateway({ backend })).port);
});
afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

async function* notes(...texts: string[]) {
  for (const one of texts) yield note(one);
}

async function collected(messages: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = [];
  for await (const message of messages) all.push(text(message));
  return all;
}

describe('a gRPC client through the gateway', () => {
  it('calls methods of all four kinds', async () => {
    expect(text(await client.put(note('a')))).toBe('a');
    expect(await collected(client.list(note('abc')))).toEqual(['a', 'b', 'c']);
    expect(text(await client.collect(notes('a', 'b', 'c')))).toBe('abc');
    expect(await collected(client.chat(notes('a', 'b')))).toEqual(['A', 'B']);
  });

  it('sends and receives metadata', async () => {
    const received: Record<string, unknown> = {};
    await client.put(note('a'), {
      metadata: { 'x-ask': 'this' },
      onHeader: (header) => Object.assign(received, { asked: header.get('x-asked') }),
      onTrailer: (trailer) => Object.assign(received, { bytes: trailer.getBytes('x-bytes-bin') }),
    });
    expect(received).toEqual({ asked: 'this', bytes: Buffer.from([1, 2, 3]) });
  });

  it('receives the header that a handler of this process sets before its first message', async () => {
    const received: (string | undefined)[] = [];
    const replies = client.list(note('a'), { onHeader: (header) => received.push(header.get('x-list')) });
    expect(await collected(replies)).toEqual(['a']);
    expect(received).toEqual(['yes']);
  });

  it('receives the text and the details of an error', async () => {
    const error = await failureOf(client.put(note('bad')));
    expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, message: 'ein schlechter Text: ☹' });
    expect(error.detail(BadRequest)?.fieldViolations).toMatchObject([{ field: 'text', description: 'is bad' }]);
  });

  it('gets its deadline', async () => {
    left = Promise.resolve();
    const expired = async () => {
      const reason = await left;
      return reason instanceof RpcError && reason.code === Status.DEADLINE_EXCEEDED;
    };
    await expire((timeoutMs) => client.get(note('a'), { timeoutMs }), expired);
  });

  it('cancels the handler', async () => {
    const controller = new AbortController();
    left = Promise.resolve();
    const call = failureOf(client.get(note('a'), { signal: controller.signal }));
    const waiting = left;
    while (left === waiting) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect(await call).toMatchObject({ code: Status.CANCELLED });
    expect(await left).toMatchObject({ code: Status.CANCELLED });
  });

  it('streams in both directions at once', async () => {
    const sent = pushed();
    const replies = client.chat(sent.messages)[Symbol.asyncIterator]();
    for (const one of ['a', 'b', 'c']) {
      sent.push(note(one));
      expect(text((await replies.next()).value ?? note(''))).toBe(one.toUpperCase());
    }
    sent.end();
    expect((await replies.next()).done).toBe(true);
  });

  it('uploads more than a connection holds', async () => {
    const large = Buffer.alloc(100_000, 'x');
    async function* upload() {
      for (let at = 0; at < 100; at += 1) yield large;
    }
    await client.collect(upload()).catch(() => undefined);
    expect(seen).toHaveLength(100);
  });
});

/** A stream whose messages a test pushes. */
function pushed() {
  const waiting: Uint8Array[] = [];
  let ended = false;
  let wake: () => void = () => undefined;
  async function* messages() {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  return {
    messages: messages(),
    push(message: Uint8Array) {
      waiting.push(message);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  };
}
