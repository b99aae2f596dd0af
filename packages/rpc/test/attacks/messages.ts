import { deflateSync, gzipSync } from 'node:zlib';
import { type Attempt, framing } from './attempt.js';
import { dataFrame, type Header, headersFrame, message, pathOf, requestTo } from './frames.js';

const FRAME_BYTES = 16_384;

/** A call with `body`, in as many frames as it needs. */
function calling(
  name: string,
  body: Uint8Array,
  { method = 'Unary', headers = [] as readonly Header[] } = {},
): Attempt {
  const frames = [headersFrame([...requestTo(pathOf(method)), ...headers])];
  for (let at = 0; at < Math.max(1, body.length); at += FRAME_BYTES) {
    const flags = at + FRAME_BYTES >= body.length ? 1 : 0;
    frames.push(dataFrame(body.subarray(at, at + FRAME_BYTES), { flags }));
  }
  return framing(name, ...frames);
}

const compressed = (encoding: string, payload: Uint8Array) => ({
  body: message(payload, { flag: 1 }),
  options: { headers: [['grpc-encoding', encoding]] as const },
});

const bomb = Buffer.alloc(64 * 1024 * 1024);
const encodings: readonly (readonly [name: string, encoding: string, payload: Uint8Array])[] = [
  ['an unknown encoding', 'zstd', Buffer.from('x')],
  ['the encoding identity, and the flag', 'identity', Buffer.from('x')],
  ['the encoding __proto__', '__proto__', Buffer.from('x')],
  ['gzip that is none', 'gzip', Buffer.from('not gzip')],
  ['gzip of nothing', 'gzip', Buffer.alloc(0)],
  ['gzip that is cut off', 'gzip', gzipSync('whole').subarray(0, 12)],
  ['gzip with more behind it', 'gzip', Buffer.concat([gzipSync('a'), Buffer.from('behind')])],
  ['gzip of 64 MiB', 'gzip', gzipSync(bomb)],
  ['deflate that is none', 'deflate', Buffer.from('not deflate')],
  ['deflate of 64 MiB', 'deflate', deflateSync(bomb)],
];

/** Field 1 starts a group, inside it field 1 another, and so on: a decoder that skips them recurses as deep. */
const nested = Buffer.alloc(1_000_000, 0x0b);

/** Messages that contradict their frame or their contract. */
export const messages: readonly Attempt[] = [
  calling('no bytes', Buffer.alloc(0)),
  calling('half of a message head', Buffer.from([0, 0])),
  calling('a message that says it has 4 GiB', message(Buffer.alloc(1), { length: 2 ** 32 - 1 })),
  calling('a message of 5 MiB', message(Buffer.alloc(5 * 1024 * 1024))),
  calling('a message that is cut off', message(Buffer.alloc(10), { length: 20 })),
  calling('two messages instead of one', Buffer.concat([message(), message()])),
  calling('1,000 messages instead of one', Buffer.concat(Array.from({ length: 1_000 }, () => message()))),
  calling('a message and half of another', Buffer.concat([message(), Buffer.from([0, 0, 0])])),
  calling('bytes that are no message', message(Buffer.from([0xff, 0xff, 0xff]))),
  calling('a text that is no UTF-8', message(Buffer.from([0x12, 0x02, 0xc3, 0x28]))),
  calling('a length beyond the message', message(Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]))),
  calling('a number without end', message(Buffer.alloc(64, 0xff))),
  calling('a million groups in each other', message(nested)),
  calling('a tag of field 0', message(Buffer.from([0x00, 0x00]))),
  calling('a flag that is none', message(Buffer.from('x'), { flag: 255 })),
  calling('a flag without an encoding', message(Buffer.from('x'), { flag: 1 })),
  ...encodings.map(([name, encoding, payload]) => {
    const { body, options } = compressed(encoding, payload);
    return calling(name, body, options);
  }),
  ...['ClientStream', 'BidiStream', 'ServerStream'].flatMap((method) => [
    calling(`${method}: bytes that are no message`, message(Buffer.from([0xff])), { method }),
    calling(`${method}: 4 GiB`, message(Buffer.alloc(1), { length: 2 ** 32 - 1 }), { method }),
    framing(
      `${method} by HEAD, with a message`,
      headersFrame(requestTo(pathOf(method)).map(([key, value]) => [key, key === ':method' ? 'HEAD' : value])),
      dataFrame(message(Buffer.from([0x08, 0x02]))),
    ),
    calling(`${method}: half a message`, Buffer.from([0, 0, 0]), { method }),
    calling(`${method}: gzip that is none`, message(Buffer.from('x'), { flag: 1 }), {
      method,
      headers: [['grpc-encoding', 'gzip']],
    }),
  ]),
  calling('BidiStream: 10,000 empty messages', Buffer.alloc(50_000), { method: 'BidiStream' }),
  calling('Unimplemented', message(), { method: 'Unimplemented' }),
];
