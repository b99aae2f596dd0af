import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Compression } from '../../contract/policy.js';
import type { WireCall } from '../transport.js';
import { KIND } from './frames.js';
import type { OpenCall } from './open-call.js';
import { type Outbox, Outgoing } from './outbox.js';

/** Shorter messages aren't compressed, because gzip saves next to nothing. Bytes. */
const MIN_COMPRESSED_BYTES = 1_024;

export const compress = promisify(gzip);

export const compresses = (compression: Compression | undefined, { length }: Uint8Array): boolean =>
  compression === 'gzip' && length >= MIN_COMPRESSED_BYTES;

/** Whether a call by gRPC has compressed requests, by its own setting or that of its connection. grpc-js compresses short ones, too. */
export const isCompressed = ({ compression }: WireCall, ofConnection: Compression | undefined): boolean =>
  (compression ?? ofConnection) === 'gzip';

/** One request that is too long for a call's first frame. */
interface LongRequest {
  readonly message: Uint8Array | undefined;
  readonly compressed: boolean;
}

interface SendOptions {
  readonly outbox: Outbox;
  readonly compression: Compression | undefined;
  /** Runs if the requests can't be read. */
  readonly fail: (error: unknown) => void;
}

/** Sends the requests of a call that don't stand in its first frame, then the half-close. */
export function sendRequests(
  call: OpenCall,
  requests: AsyncIterable<Uint8Array> | LongRequest,
  { outbox, compression, fail }: SendOptions,
): void {
  const outgoing = new Outgoing(call.id, outbox);
  call.outgoing = outgoing;
  const halfClose = () => outbox.sendAbout(KIND.halfClose, call.id);
  if ('compressed' in requests) {
    const { message, compressed } = requests;
    if (message !== undefined) void outgoing.send(message, compressed);
    outgoing.finish(halfClose);
    return;
  }
  const messages = requests[Symbol.asyncIterator]();
  call.stopRequests = () => void messages.return?.();
  sendAll(outgoing, messages, compression).then(() => outgoing.finish(halfClose), fail);
}

async function sendAll(
  outgoing: Outgoing,
  messages: AsyncIterator<Uint8Array>,
  compression: Compression | undefined,
): Promise<void> {
  for (let step = await messages.next(); step.done !== true; step = await messages.next()) {
    const compressed = compresses(compression, step.value);
    const full = outgoing.send(compressed ? await compress(step.value) : step.value, compressed);
    if (full !== undefined) await full;
  }
}
