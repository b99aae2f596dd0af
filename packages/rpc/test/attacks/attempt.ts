import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sleep, systemClock } from '../../src/clock/index.js';
import { ACK, BEGIN, frame, frameReader, TYPE } from './frames.js';

/** What is attacked. */
export interface Victim {
  readonly port: number;
}

/** One attempt to do harm. It resolves once the victim has had its chance to be harmed. */
export type Attempt = readonly [name: string, run: (victim: Victim) => Promise<unknown>];

/** An attacker who gets no answer goes on after this long. Milliseconds. */
const PATIENCE_MS = 250;
/** One that the server works for waits longer. Node 20 neither answers nor ends a connection that broke the rules. */
const LONG_PATIENCE_MS = 500;

/** Resolves at the first of `events`, or after `patienceMs`; an error is none. */
export function firstOf(socket: Socket, events: readonly string[], patienceMs: number): Promise<void> {
  const over = new AbortController();
  for (const event of events) socket.once(event, () => over.abort());
  if (socket.closed) over.abort();
  return sleep(systemClock, patienceMs, over.signal).catch(() => undefined);
}

/** A connection on which nothing matters any more. */
export async function open({ port }: Victim): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends `bytes`, whatever they are, and waits for the server to close the connection. */
export function sending(name: string, ...bytes: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat(bytes), PATIENCE_MS)];
}

/** Begins HTTP/2 and sends `frames`; goes on once the server has read them all, or has closed the connection. */
export function framing(name: string, ...frames: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat([BEGIN, ...frames, LAST]), LONG_PATIENCE_MS)];
}

/** Is answered when everything before it was read. */
const LAST = frame(TYPE.PING, { payload: Buffer.from('all read') });

export async function send(victim: Victim, bytes: Uint8Array, patienceMs: number): Promise<void> {
  const socket = await open(victim);
  const read = frameReader(({ type, flags }) => {
    if (type === TYPE.PING && flags === ACK) socket.emit('all read');
  });
  socket.on('data', read);
  socket.write(bytes);
  await firstOf(socket, ['all read', 'close'], patienceMs);
  socket.destroy();
}
