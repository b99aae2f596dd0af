import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { sleep, systemClock } from '../../src/exports/clock.js';
import { ACK, BEGIN, frame, frameReader, TYPE } from './frames.js';

/** The server under attack. */
export interface Victim {
  readonly port: number;
  /** The certificate by which the attacker gets in, if the server needs one. */
  readonly tls?: ConnectionOptions;
  /** The attacker's own address; the machine's choice by default. */
  readonly from?: string;
}

/** One attack. It resolves once the victim has had time to be harmed. */
export type Attempt = readonly [name: string, run: (victim: Victim) => Promise<unknown>];

/** An attacker that gets no answer continues after this time. Milliseconds. */
const PATIENCE_MS = 250;
/**
 * The time for an attack that keeps the server busy. Node 20 neither answers nor closes a connection that violated the
 * protocol.
 */
const LONG_PATIENCE_MS = 500;

/** Resolves at the first of `events`, or after `patienceMs`. Errors are ignored. */
export function firstOf(socket: Socket, events: readonly string[], patienceMs: number): Promise<void> {
  const over = new AbortController();
  for (const event of events) socket.once(event, () => over.abort());
  if (socket.closed) over.abort();
  return sleep(systemClock, patienceMs, over.signal).catch(() => undefined);
}

/** A connection whose errors are ignored. */
export async function open({ port, tls, from }: Victim): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...(from !== undefined && { localAddress: from }) });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  if (tls === undefined) return socket;
  const secured = connectTls({ ALPNProtocols: ['h2'], ...tls, socket });
  secured.on('error', () => secured.destroy());
  await once(secured, 'secureConnect');
  // Node resets TCP alone.
  return Object.assign(secured, { resetAndDestroy: () => secured.destroy() && socket.resetAndDestroy() });
}

/** Sends raw `bytes`, and waits for the server to close the connection. */
export function sending(name: string, ...bytes: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat(bytes), PATIENCE_MS)];
}

/** Starts HTTP/2 and sends `frames`; resolves once the server has read them all or has closed the connection. */
export function framing(name: string, ...frames: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat([BEGIN, ...frames, LAST]), LONG_PATIENCE_MS)];
}

/** The server answers this when it has read everything before it. */
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
