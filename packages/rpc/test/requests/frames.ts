import {
  call,
  dataFrame,
  END_HEADERS,
  END_STREAM,
  frame,
  type Header,
  headersFrame,
  pathOf,
  requestTo,
  TYPE,
  uint32,
} from '../attacks/frames.js';
import { type BadRequest, framed } from './request.js';

const unary = requestTo(pathOf('Unary'));
const bidi = headersFrame(requestTo(pathOf('BidiStream')));
const without = (key: string) => unary.filter(([name]) => name !== key);
const withHeader = (...extra: readonly Header[]) => call([...unary, ...extra]);

/** Requests that HTTP/2 itself doesn't allow. Their codes are those of RFC 9113, section 7. */
export const frames: readonly BadRequest[] = [
  framed('no path', 'RST_STREAM 1', call(without(':path'))),
  framed('the path twice', 'RST_STREAM 1', call([[':path', '/'], ...unary])),
  framed('an unknown pseudo header', 'RST_STREAM 1', call([[':evil', '1'], ...unary])),
  framed('an upper-case key', 'RST_STREAM 1', withHeader(['X-Upper', '1'])),
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((key) =>
    framed(`the key ${key}`, 'RST_STREAM 1', withHeader([key, 'close'])),
  ),
  framed('te: gzip', 'RST_STREAM 1', call([...without('te'), ['te', 'gzip']])),
  // Node 20 ends the stream, Node 24 the connection.
  framed('a content length that is too small', ['RST_STREAM 1', 'GOAWAY 2'], withHeader(['content-length', '1'])),
  framed(
    'pseudo headers as trailers',
    'RST_STREAM 1',
    bidi,
    headersFrame([[':path', '/']], { flags: END_HEADERS | END_STREAM }),
  ),
  framed('headers again, the stream going on', 'RST_STREAM 1', bidi, headersFrame([['x', '1']])),
  // Node 20 ends it with an internal error.
  framed(
    'a WINDOW_UPDATE of 0',
    ['GOAWAY 2', 'GOAWAY 1'],
    bidi,
    frame(TYPE.WINDOW_UPDATE, { stream: 1, payload: uint32(0) }),
  ),
  framed('a frame of 16,385 bytes', 'GOAWAY 6', bidi, dataFrame(Buffer.alloc(16_385))),
  framed(
    'headers that cannot be read',
    'GOAWAY 9',
    frame(TYPE.HEADERS, { flags: END_HEADERS, stream: 1, payload: Buffer.from([0x80]) }),
  ),
];
