import {
  BEGIN,
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  PADDED,
  settings,
  TYPE,
  uint32,
} from '../../../../packages/rpc/test/attacks/frames.js';
import type { Draw } from './draw.js';
import type { FuzzedRequest } from './requests.js';

/** The bytes of a connection: each part is a write of its own. */
export type Written = readonly Buffer[];

/** Writes a request, and sometimes breaks the framing. */
export function write(request: FuzzedRequest, draw: Draw): Written {
  const parts = request.version === 1 ? write1(request, draw) : write2(request, draw);
  if (draw.chance(0.1)) return [flip(Buffer.concat(parts), draw)];
  if (draw.chance(0.1)) return [cut(Buffer.concat(parts), draw)];
  if (draw.chance(0.1)) return halves(Buffer.concat(parts), draw);
  return parts;
}

function write1({ method, path, fields, body }: FuzzedRequest, draw: Draw): Written {
  const broken = draw.chance(0.25);
  const end = broken ? draw.one(['\r\n', '\n', '\r', '\r\n ']) : '\r\n';
  const version = broken ? draw.one(['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/11', '']) : 'HTTP/1.1';
  const chunked = body.length > 0 && draw.chance(0.3);
  const length = broken ? draw.one([body.length, 0, -1, body.length + 10, 2 ** 53]) : body.length;
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  const lines = [
    `${method} ${path} ${version}`,
    ...(broken && draw.chance(0.2) ? [] : ['Host: localhost']),
    ...(body.length > 0 || draw.chance(0.1) ? [framing] : []),
    ...(broken && draw.chance(0.2) ? ['Content-Length: 3'] : []),
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  const head = Buffer.from(`${lines.join(end)}${end}${end}`, 'latin1');
  return [head, ...(chunked ? chunks(body, draw, broken) : [body])];
}

function chunks(body: Buffer, draw: Draw, broken: boolean): Written {
  const at = draw.below(body.length + 1);
  const parts = [body.subarray(0, at), body.subarray(at)].filter(({ length }) => length > 0);
  const size = ({ length }: Buffer) =>
    broken
      ? draw.one([length.toString(16), '-1', 'ffffffffffffffff', 'x', `${length.toString(16)};a=b`])
      : length.toString(16);
  const last = broken ? draw.one(['0\r\n\r\n', '0\r\nx-late: 1\r\n\r\n', '', '0\r\n']) : '0\r\n\r\n';
  return [
    ...parts.map((part) => Buffer.concat([Buffer.from(`${size(part)}\r\n`), part, Buffer.from('\r\n')])),
    Buffer.from(last),
  ];
}

const PSEUDO = [':scheme', ':authority', ':path', ':method', ':status', ':protocol', ':x'] as const;

function write2({ method, path, fields, body }: FuzzedRequest, draw: Draw): Written {
  const broken = draw.chance(0.25);
  const pseudo = [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
  ] as const;
  const kept = broken && draw.chance(0.3) ? pseudo.filter(() => draw.chance(0.7)) : pseudo;
  const odd = broken && draw.chance(0.3) ? [[draw.one(PSEUDO), 'x'] as const] : [];
  const plain = block([
    ...kept,
    ...fields.map(([name, value]) => [draw.chance(0.02) ? name : name.toLowerCase(), value] as const),
    ...odd,
  ]);
  const packed = broken && draw.chance(0.5) ? breakHpack(plain, draw) : plain;
  const ends = body.length === 0 ? END_STREAM : 0;
  const frames = [...headerFrames(packed, ends, draw), ...(body.length === 0 ? [] : dataFrames(body, draw))];
  if (broken) frames.splice(draw.below(frames.length + 1), 0, oddFrame(draw));
  return [BEGIN, ...frames];
}

/** Breaks a header block: references to entries that there are or aren't, changes of the table's size, Huffman code. */
function breakHpack(plain: Buffer, draw: Draw): Buffer {
  const piece = draw.one([
    Buffer.from([0x80 | draw.below(128)]),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
    Buffer.from([0x20 | draw.below(32)]),
    Buffer.from([0x3f, 0xe1, 0xff, 0xff, 0x07]),
    Buffer.concat([Buffer.from([0x40, 0x83]), draw.bytes(3), Buffer.from([0x84]), draw.bytes(4)]),
    Buffer.from([0x10, 0x01, 0x00, 0x01, 0x0a]),
    draw.bytes(6),
  ]);
  return draw.chance(0.5) ? Buffer.concat([piece, plain]) : Buffer.concat([plain, piece]);
}

function headerFrames(packed: Buffer, ends: number, draw: Draw): Buffer[] {
  if (packed.length < 16_384 && draw.chance(0.9)) {
    return [frame(TYPE.HEADERS, { flags: END_HEADERS | ends, stream: 1, payload: packed })];
  }
  const size = Math.max(1, Math.ceil(packed.length / (2 + draw.below(4))));
  const parts: Buffer[] = [];
  for (let at = 0; at < packed.length; at += size) parts.push(packed.subarray(at, at + size));
  return parts.map((payload, index) => {
    const last = index === parts.length - 1 ? END_HEADERS : 0;
    const type = index === 0 ? TYPE.HEADERS : TYPE.CONTINUATION;
    return frame(type, { flags: last | (index === 0 ? ends : 0), stream: 1, payload });
  });
}

function dataFrames(body: Buffer, draw: Draw): Buffer[] {
  const size = draw.one([1, 4, 5, 100, 16_384]);
  const step = body.length / size > 100 ? 16_384 : size;
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += step) parts.push(body.subarray(at, at + step));
  return parts.map((part, index) => {
    const last = index === parts.length - 1 && !draw.chance(0.05) ? END_STREAM : 0;
    if (!draw.chance(0.05)) return frame(TYPE.DATA, { flags: last, stream: 1, payload: part });
    const padding = draw.one([0, 5, 255]);
    const payload = Buffer.concat([Buffer.from([padding]), part, Buffer.alloc(draw.one([padding, 0]))]);
    return frame(TYPE.DATA, { flags: last | PADDED, stream: 1, payload });
  });
}

function oddFrame(draw: Draw): Buffer {
  return draw.one([
    frame(TYPE.RST_STREAM, { stream: 1, payload: uint32(draw.below(20)) }),
    frame(TYPE.RST_STREAM, { stream: draw.below(9), payload: draw.bytes(draw.below(6)) }),
    frame(TYPE.WINDOW_UPDATE, { stream: draw.below(3), payload: uint32(draw.one([0, 1, 2 ** 31 - 1, 2 ** 32 - 1])) }),
    settings([draw.below(10), draw.one([0, 1, 2 ** 31, 2 ** 32 - 1])]),
    frame(TYPE.SETTINGS, { payload: draw.bytes(draw.below(13)) }),
    frame(TYPE.PRIORITY, { stream: 1, payload: uint32(1) }),
    frame(TYPE.PING, { payload: draw.bytes(draw.one([0, 8, 9])) }),
    frame(TYPE.GOAWAY, { payload: draw.bytes(draw.one([8, 3])) }),
    frame(TYPE.DATA, { stream: draw.below(5), flags: draw.below(256), payload: draw.bytes(20) }),
    frame(TYPE.HEADERS, { stream: draw.below(9), flags: draw.below(256), payload: draw.bytes(20) }),
    frame(TYPE.CONTINUATION, { stream: 1, flags: draw.below(8), payload: draw.bytes(9) }),
    frame(TYPE.PUSH_PROMISE, { stream: 1, payload: draw.bytes(9) }),
    frame(draw.below(256), { stream: draw.below(9), flags: draw.below(256), payload: draw.bytes(draw.below(40)) }),
    frame(TYPE.DATA, { stream: 1, length: draw.one([0, 2 ** 24 - 1, 16_385]), payload: draw.bytes(30) }),
  ]);
}

function flip(bytes: Buffer, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  for (let count = 1 + draw.below(3); count > 0; count -= 1) {
    const at = draw.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << draw.below(8));
  }
  return copy;
}

const cut = (bytes: Buffer, draw: Draw) => bytes.subarray(0, draw.below(bytes.length + 1));

function halves(bytes: Buffer, draw: Draw): Written {
  const at = draw.below(bytes.length + 1);
  return [bytes.subarray(0, at), bytes.subarray(at)];
}
