import type { Socket } from 'node:net';
import type { Clock } from '@rondo/base';
import { PREFACE as FRAMES_PREFACE } from '../transport/frames/frames.js';

/** What a client speaks, by its first bytes. */
export type Spoken = 'tls' | 'frames' | 'http2' | 'http1';

/** The first byte of a TLS record that begins a handshake. Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

/**
 * The beginning of HTTP/2's preface. No method of HTTP/1.1 begins so.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9113#section-3.4
 */
const PREFACE = Buffer.from('PRI');

/** Undefined if more bytes are needed. Whatever isn't recognized is left to HTTP/1.1, which can answer it. */
export function recognize(bytes: Uint8Array): Spoken | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === TLS_HANDSHAKE) return 'tls';
  if (bytes[0] === FRAMES_PREFACE[0]) return 'frames';
  const seen = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, seen, 0, seen) !== 0) return 'http1';
  return seen === PREFACE.length ? 'http2' : undefined;
}

interface FirstBytesOptions {
  readonly clock: Clock;
  /** How long the client has to send them. Milliseconds. */
  readonly timeoutMs: number;
  /** Takes over the connection. Its first bytes are unread again. */
  readonly decided: (spoken: Spoken) => void;
}

/** Reads the first bytes of a connection. A client that doesn't send enough of them in time is disconnected. */
export function readFirstBytes(socket: Socket, { clock, timeoutMs, decided }: FirstBytesOptions): void {
  let bytes: Buffer = Buffer.alloc(0);
  const drop = () => socket.destroy();
  const timer = clock.setTimer(timeoutMs, drop, { keepAlive: false });
  const stop = () => {
    timer.cancel();
    socket.off('readable', look).off('end', drop).off('close', stop);
  };
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const spoken = recognize(bytes);
    if (spoken === undefined) return;
    stop();
    socket.unshift(bytes);
    decided(spoken);
  };
  socket.on('readable', look).on('end', drop).on('close', stop);
}
