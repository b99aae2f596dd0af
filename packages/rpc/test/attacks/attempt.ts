import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { sleep, systemClock } from '../../src/exports/clock.js';
import { HANG_MS } from '../support/wait.js';
import { ACK, BEGIN, frame, frameReader, TYPE } from './frames.js';

/** The server under attack. */
export interface Victim {
  readonly port: number;
  /** The certificate by which the attacker gets in, if the server needs one. */
  readonly tls?: ConnectionOptions;
  /** The attacker's own address; the machine's choice by default. */
  readonly from?: string;
  /** A call of another client. */
  readonly serve?: () => Promise<unknown>;
}

/** One attack. It resolves once the victim has had its chance to be harmed. */
export type Attempt = readonly [name: string, run: (victim: Victim) => Promise<unknown>];

/** How long an attacker waits for an answer if no other client calls the server. Milliseconds. */
const PATIENCE_MS = 500;
/** A server that has answered so many calls of another client, each after the other, has read what an attacker sent before. */
const CALLS = 5;

/** Resolves at the first of `events`, or after `patienceMs`. Errors are ignored. */
export function firstOf(socket: Socket, events: readonly string[], patienceMs = HANG_MS): Promise<void> {
  const over = new AbortController();
  for (const event of events) socket.once(event, () => over.abort());
  if (socket.closed) over.abort();
  return sleep(systemClock, patienceMs, over.signal).catch(() => undefined);
}

/** A connection whose errors are ignored. A server that has waited for it for too long on a busy machine may have closed it. */
export async function open({ port, tls, from }: Victim): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', ...(from !== undefined && { localAddress: from }) });
  socket.on('error', () => socket.destroy());
  await firstOf(socket, ['connect', 'close']);
  if (tls === undefined) return socket;
  const secured = connectTls({ ALPNProtocols: ['h2'], ...tls, socket });
  secured.on('error', () => secured.destroy());
  await firstOf(secured, ['secureConnect', 'close']);
  // Node resets TCP alone.
  return Object.assign(secured, { resetAndDestroy: () => secured.destroy() && socket.resetAndDestroy() });
}

/** Sends raw `bytes`, and waits for the server to close the connection. */
export function sending(name: string, ...bytes: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat(bytes))];
}

/** Starts HTTP/2 and sends `frames`; resolves once the server has read them all or has closed the connection. */
export function framing(name: string, ...frames: readonly Uint8Array[]): Attempt {
  return [name, (victim) => send(victim, Buffer.concat([BEGIN, ...frames, LAST]))];
}

/** The server answers this when it has read everything before it. */
const LAST = frame(TYPE.PING, { payload: Buffer.from('all read') });

export async function send(victim: Victim, bytes: Uint8Array): Promise<void> {
  const socket = await open(victim);
  const read = frameReader(({ type, flags }) => {
    if (type === TYPE.PING && flags === ACK) socket.emit('all read');
  });
  socket.on('data', read);
  socket.write(bytes);
  const answered = firstOf(socket, ['all read', 'close'], victim.serve ? HANG_MS : PATIENCE_MS);
  await Promise.race([answered, hasRead(victim, socket)]);
  socket.destroy();
}

/** Resolves once the server must have read what was sent, because it has read later calls. */
async function hasRead({ serve }: Victim, socket: Socket): Promise<void> {
  for (let left = CALLS; left > 0 && !socket.destroyed; left -= 1) {
    await (serve?.() ?? new Promise(() => undefined));
  }
}
