import { connect, type Socket } from 'node:net';
import {
  Call,
  Cancel,
  Credit,
  End,
  GoAway,
  HalfClose,
  Header,
  Hello,
  Message,
  Welcome,
} from '@rondo/contracts/rondo/frames/v1/frames';
import { FRAMES_VERSION, KIND, PREFACE } from '../../src/transport/frames/frames.js';

const TYPES = {
  hello: Hello,
  welcome: Welcome,
  call: Call,
  message: Message,
  halfClose: HalfClose,
  header: Header,
  end: End,
  cancel: Cancel,
  credit: Credit,
  goAway: GoAway,
} as const;
type Types = typeof TYPES;
type Name = keyof Types;

/** Frames by name, as generated code encodes them, or any bytes. */
export type Sent = Buffer | { readonly [N in Name]?: Parameters<Types[N]['fromPartial']>[0] };

/** A frame as it came. */
export type Received = { readonly [N in Name]?: ReturnType<Types[N]['decode']> } & { readonly kind: number };

const PREFIX_BYTES = 5;

/** A frame of any kind, with any bytes. */
export function frameOf(kind: number, body: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = kind;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

export function toBytes(sent: Sent): Buffer {
  if (Buffer.isBuffer(sent)) return sent;
  const frames = Object.entries(sent).map(([name, frame]) => {
    const type: { fromPartial(value: object): object; encode(value: never): { finish(): Uint8Array } } =
      TYPES[name as Name];
    return frameOf(KIND[name as Name], type.encode(type.fromPartial(frame) as never).finish());
  });
  return Buffer.concat(frames);
}

/** Reads frames from the bytes that come, and hands each over. */
export function readFrames(onFrame: (frame: Received) => void): (chunk: Buffer) => void {
  let bytes = Buffer.alloc(0);
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let end = endOf(bytes); end <= bytes.length; end = endOf(bytes)) {
      const kind = bytes[0] ?? 0;
      const body = bytes.subarray(PREFIX_BYTES, end);
      bytes = bytes.subarray(end);
      const name = (Object.keys(TYPES) as Name[]).find((one) => KIND[one] === kind);
      onFrame({ kind, ...(name !== undefined && { [name]: TYPES[name].decode(body) }) });
    }
  };
}

/** Where the first frame ends; never if its length isn't there. */
const endOf = (bytes: Buffer): number =>
  bytes.length < PREFIX_BYTES ? Number.POSITIVE_INFINITY : PREFIX_BYTES + bytes.readUInt32BE(1);

/** A connection to a server on which a test writes frames. It begins with the preface and `first`. */
export interface RawClient {
  readonly socket: Socket;
  readonly ends: NonNullable<Received['end']>[];
  readonly received: Received[];
  /** Why the server has closed it; undefined if the server gave no reason. */
  readonly closed: Promise<string | undefined>;
  send(sent: Sent): void;
}

/** Connects to `address`. */
export function connectRaw(address: string, first: Sent = { hello: { version: FRAMES_VERSION } }): RawClient {
  const [host = '', port] = address.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  const ends: RawClient['ends'] = [];
  const received: Received[] = [];
  let reason: string | undefined;
  socket.on(
    'data',
    readFrames((frame) => {
      received.push(frame);
      if (frame.end !== undefined) ends.push(frame.end);
      if (frame.goAway !== undefined) reason = frame.goAway.reason;
    }),
  );
  socket.on('error', () => undefined);
  const closed = new Promise<string | undefined>((resolve) => socket.once('close', () => resolve(reason)));
  const send = (sent: Sent) => void socket.write(toBytes(sent));
  socket.write(PREFACE);
  send(first);
  return { socket, ends, received, closed, send };
}
