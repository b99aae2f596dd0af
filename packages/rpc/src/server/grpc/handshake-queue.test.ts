import { once } from 'node:events';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { yieldToEventLoop } from '../../clock/system.js';
import { HandshakeQueue } from './handshake-queue.js';

function socketFrom(address: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: address });
}

/** A queue, and the names of the handshakes that it has begun. */
function start() {
  const queue = new HandshakeQueue();
  const begun: string[] = [];
  const add = (name: string, socket = socketFrom(name.charAt(0))) => {
    queue.add(socket, () => begun.push(name));
    return socket;
  };
  return { add, begun };
}

describe('handshakes', () => {
  it('begin at once if no other waits', async () => {
    const { add, begun } = start();
    add('a1');
    expect(begun).toEqual(['a1']);
    await yieldToEventLoop();
    await yieldToEventLoop();
    add('a2');
    expect(begun).toEqual(['a1', 'a2']);
  });

  it('begin in turns of their addresses', async () => {
    const { add, begun } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) add(name);
    while (begun.length < 7) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it("don't begin if the connection is closing", async () => {
    const { add, begun } = start();
    add('a1');
    const closing = add('a2', Object.assign(socketFrom('a'), { _destroy() {} }));
    add('a3');
    closing.destroy();
    while (begun.length < 2) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'a3']);
  });

  it('leave the queue if the connection is closed: their addresses keep their turns', async () => {
    const { add, begun } = start();
    add('a1');
    const [ended] = [add('b1'), add('b2'), add('c1')];
    const alone = add('d1');
    for (const socket of [ended, alone]) socket.destroy();
    await Promise.all([once(ended, 'close'), once(alone, 'close')]);
    add('e1');
    add('d2');
    while (begun.length < 5) await yieldToEventLoop();
    expect(begun).toEqual(['a1', 'b2', 'c1', 'e1', 'd2']);
  });
});
