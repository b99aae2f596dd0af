/** What a client can make a server keep by requests that don't come whole: the memory of its process, and not what a counter says. */
import { expect, it } from '@jest/globals';
import { BidiStreamRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { open } from './attacks/attempt.js';
import { startVictim, UNHARMED } from './attacks/bystander.js';
import {
  ACK,
  BEGIN,
  dataFrame,
  frame,
  frameReader,
  headersFrame,
  message,
  PREFACE,
  pathOf,
  requestTo,
  settings,
  TYPE,
} from './attacks/frames.js';

const MIB = 1024 * 1024;
/** Begins a connection whose client reads no body, and takes the windows that the server offers. */
const UNREAD = Buffer.concat([PREFACE, settings([4, 0]), frame(TYPE.SETTINGS, { flags: ACK })]);

const data = (bytes: Uint8Array) => dataFrame(bytes, { flags: 0 });
const requestsTo = (path: string) => headersFrame(requestTo(path));
/** The prefix of a message of almost 4 MiB. */
const LONG = data(message(Buffer.alloc(0), { length: 4 * MIB - 100 }));
const TEXT = data(
  message(BidiStreamRequest.encode(BidiStreamRequest.fromPartial({ text: 'x'.repeat(16_000) })).finish()),
);
/** 64 KiB that every receiver ignores, and behind them a byte of a message. */
const PINNED = Buffer.concat([...Array(4).fill(frame(0xfa, { payload: Buffer.alloc(16_320) })), data(Buffer.alloc(1))]);

it.each([
  ['a message of a stream', [BEGIN, requestsTo(pathOf('ClientStream')), LONG]],
  ['a request', [BEGIN, requestsTo(pathOf('ServerStream')), LONG]],
  // The replies, and so the requests, wait for the client.
  ['a stream that is not read', [UNREAD, requestsTo(pathOf('BidiStream')), ...Array(10).fill(TEXT)]],
])('%s keeps no more than itself of what its connection brings', async (_what, begin) => {
  const bystander = await startVictim();
  try {
    const socket = await open(bystander.victim);
    const received: number[] = [];
    socket.on(
      'data',
      frameReader(({ type }) => received.push(type)),
    );
    socket.write(Buffer.concat(begin));
    for (let count = 0; count < 6_400 && !socket.closed; count += 1) {
      await new Promise((resolve) => socket.write(PINNED, resolve));
    }
    expect(await bystander.victim.serve?.()).toMatchObject({ text: 'anew' });
    // 400 MiB were sent. Node 24 ends a connection with thousands of frames of an unknown type.
    expect([TYPE.RST_STREAM, TYPE.GOAWAY].map((type) => received.includes(type))).toEqual([false, socket.closed]);
    expect((await bystander.kept()) / MIB).toBeLessThan(50);
    socket.destroy();
    expect(bystander.state()).toEqual(UNHARMED);
  } finally {
    await bystander.close();
  }
});
