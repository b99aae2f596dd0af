/** Hand-written HTTP/2 frames, so that they can be wrong. Source: https://www.rfc-editor.org/rfc/rfc9113#section-6 */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;

export interface FrameOptions {
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Uint8Array;
  /** The length that the frame declares; the real one by default. */
  readonly length?: number;
}

export function frame(type: number, options: FrameOptions = {}): Buffer {
  const { flags = 0, stream = 0, payload = Buffer.alloc(0), length = payload.length } = options;
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A SETTINGS frame with number and value pairs. */
export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  for (const [index, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(TYPE.SETTINGS, { payload });
}

/** The first bytes of every connection. */
export const BEGIN = Buffer.concat([PREFACE, settings()]);

/** A number of four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export type Header = readonly [name: string, value: string];

/** A header block, each field as a literal without indexing. Source: https://www.rfc-editor.org/rfc/rfc7541#section-6.2.2 */
export function block(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** An integer with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** A message with gRPC's prefix. */
export function message(payload: Uint8Array = Buffer.alloc(0), { flag = 0, length = payload.length } = {}): Buffer {
  return Buffer.concat([Buffer.from([flag]), uint32(length), payload]);
}

const SERVICE = '/rondo.conformance.v1.ConformanceService';
/** The path of a method of the victim. */
export const pathOf = (method: string): string => `${SERVICE}/${method}`;

/** The first headers of a request to `path`. */
export function requestTo(path: string): readonly Header[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'victim'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

/** The first frame of a request. */
export function headersFrame(headers: readonly Header[], { stream = 1, flags = END_HEADERS } = {}): Buffer {
  return frame(TYPE.HEADERS, { flags, stream, payload: block(headers) });
}

/** The last frame of a request. */
export function dataFrame(payload: Uint8Array, { stream = 1, flags = END_STREAM } = {}): Buffer {
  return frame(TYPE.DATA, { flags, stream, payload });
}

/** A unary call with changed headers or a changed body. */
export function call(headers: readonly Header[] = requestTo(pathOf('Unary')), body: Uint8Array = message()): Buffer {
  return Buffer.concat([headersFrame(headers), dataFrame(body)]);
}

export const times = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

/** Bytes that HPACK can't shorten, in ASCII. */
export const solid = (bytes: number): string => times(bytes, (index) => '"#$&@^{}'[(index * 5) % 8]).join('');

/** Headers whose keys are numbered, with the same value. */
export const numbered = (count: number, value = 'v'): readonly Header[] =>
  times(count, (index) => [`k${index}`, value] as const);

/** A header block, in as many frames as it needs; the last one may lack the end flag. */
export function headersInParts(headers: readonly Header[], { stream = 1, flags = 0, ends = true } = {}): Buffer {
  const payload = block(headers);
  const count = Math.ceil(payload.length / 16_384);
  return Buffer.concat(
    times(count, (index) => {
      const part = payload.subarray(index * 16_384, (index + 1) * 16_384);
      const end = ends && index === count - 1 ? END_HEADERS : 0;
      const type = index === 0 ? TYPE.HEADERS : TYPE.CONTINUATION;
      return frame(type, { stream, flags: end | (index === 0 ? flags : 0), payload: part });
    }),
  );
}

/** A received frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Parses frames as they arrive. */
export function frameReader(onFrame: (frame: Frame) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 9) {
      const end = 9 + rest.readUIntBE(0, 3);
      if (rest.length < end) return;
      const [type, flags, stream] = [rest.readUInt8(3), rest.readUInt8(4), rest.readUInt32BE(5)];
      onFrame({ type, flags, stream, payload: rest.subarray(9, end) });
      rest = rest.subarray(end);
    }
  };
}
