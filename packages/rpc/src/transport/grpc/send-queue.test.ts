import { describe, expect, it } from '@jest/globals';
import { withPrefixes } from './length-prefix.js';
import { SendQueue } from './send-queue.js';

/** A connection that takes a write when the test says so. */
function connect() {
  const writes: { readonly joined: boolean; readonly messages: string[] }[] = [];
  const taken: (() => void)[] = [];
  const queue = new SendQueue((together, done) => {
    const framed = withPrefixes(together.messages, together.bytes);
    writes.push({ joined: together.messages.length > 1, messages: messagesIn(framed) });
    taken.push(done);
  });
  const take = async () => {
    taken.shift()?.();
    await turn();
  };
  return { queue, writes, take };
}

function messagesIn(framed: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < framed.length; ) {
    expect(framed[at]).toBe(0);
    const end = at + 5 + framed.readUInt32BE(at + 1);
    messages.push(framed.toString('utf8', at + 5, end));
    at = end;
  }
  return messages;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Sends messages until the queue asks to wait; returns how many, and the wait. */
function fill(queue: SendQueue, message: Buffer) {
  for (let sent = 1; sent < 10_000; sent += 1) {
    const wait = queue.send(message);
    if (wait !== undefined) return { sent, wait };
  }
  throw new Error('the queue has no bound');
}

async function settled(wait: Promise<void>): Promise<boolean> {
  let done = false;
  void wait.then(() => {
    done = true;
  });
  await turn();
  return done;
}

describe('a send queue', () => {
  it('joins the messages of one turn, in order, also a message that is sent twice or is empty', async () => {
    const { queue, writes } = connect();
    const twice = Buffer.from('twice');
    for (const message of [twice, Buffer.from('b'), Buffer.alloc(0), twice]) queue.send(message);
    expect(writes).toEqual([]);
    await turn();
    expect(writes).toEqual([{ joined: true, messages: ['twice', 'b', '', 'twice'] }]);
  });

  it('joins the messages that are sent while a write is under way', async () => {
    const { queue, writes, take } = connect();
    queue.send(Buffer.from('1'));
    await turn();
    for (const text of ['2', '3']) {
      queue.send(Buffer.from(text));
      await turn();
    }
    expect(writes).toHaveLength(1);
    await take();
    expect(writes.map(({ messages }) => messages)).toEqual([['1'], ['2', '3']]);
  });

  it('writes a long message by itself, between the others', async () => {
    const { queue, writes } = connect();
    const long = 'x'.repeat(1_024);
    for (const text of ['1', '2', long, '3']) queue.send(Buffer.from(text));
    queue.flush();
    expect(writes).toEqual([
      { joined: true, messages: ['1', '2'] },
      { joined: false, messages: [long] },
      { joined: false, messages: ['3'] },
    ]);
  });

  it.each([
    [1, 256],
    [1_000, 33],
    [5_000, 7],
    [1024 * 1024, 1],
  ])('lets its sender be ahead by few messages of %i bytes: %i', async (bytes, ahead) => {
    const { queue, take } = connect();
    const { sent, wait } = fill(queue, Buffer.alloc(bytes));
    expect(sent).toBe(ahead);
    await turn();
    expect(await settled(wait)).toBe(false);
    await take();
    expect(await settled(wait)).toBe(true);
  });

  it('joins at most 128 messages, and at most 16 KiB', () => {
    for (const bytes of [1, 1_000]) {
      const { queue, writes } = connect();
      fill(queue, Buffer.alloc(bytes));
      const { messages } = writes[0] ?? { messages: [] };
      expect(messages.length).toBe(Math.min(128, Math.floor((16 * 1024) / bytes)));
    }
  });

  it('says when every message has been taken', async () => {
    const { queue, take } = connect();
    await queue.taken();
    queue.send(Buffer.from('1'));
    await turn();
    queue.send(Buffer.from('2'));
    const all = queue.taken();
    await take();
    expect(await settled(all)).toBe(false);
    await take();
    expect(await settled(all)).toBe(true);
  });

  it('ends a wait when it is closed, and writes nothing more', async () => {
    const { queue, writes, take } = connect();
    const { wait } = fill(queue, Buffer.from('1'));
    queue.close();
    await wait;
    expect(queue.send(Buffer.from('2'))).toBeUndefined();
    await take();
    expect(writes).toHaveLength(1);
  });
});
