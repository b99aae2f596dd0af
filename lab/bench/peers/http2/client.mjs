// The floor: streams of node:http2 with gRPC's headers, and bytes that are made before the first call. It compares the bytes of
// replies. Replicas take turns, a session to each.
import { connect as open } from 'node:http2';
import { bidiFrames, clientStreamFrames, clientStreamReply, serverStreamFrames, unaryFrames } from './frames.mjs';

const headersOf = (method) => ({
  ':method': 'POST',
  ':path': `/rondo.conformance.v1.ConformanceService/${method}`,
  'content-type': 'application/grpc',
  te: 'trailers',
});
const UNARY = headersOf('Unary');
const SERVER_STREAM = headersOf('ServerStream');
const CLIENT_STREAM = headersOf('ClientStream');
const BIDI_STREAM = headersOf('BidiStream');

export function connect(addresses) {
  const sessions = addresses.map((address) => open(`http://${address}`));
  let next = 0;
  const request = (headers) => {
    next = (next + 1) % sessions.length;
    return sessions[next].request(headers);
  };
  return { payloads: 'bytes', ...unaryOver(request), ...streamsOver(request) };
}

function unaryOver(request) {
  const frames = new Map();
  const framesOf = (payload) => {
    if (!frames.has(payload.length)) frames.set(payload.length, unaryFrames(payload));
    return frames.get(payload.length);
  };
  return {
    async unary({ text, payload }) {
      const bytes = framesOf(payload).get(text);
      const stream = request(UNARY);
      stream.end(bytes);
      await received(stream, bytes);
      return { text, payload };
    },
  };
}

function streamsOver(request) {
  const replies = Buffer.concat(serverStreamFrames());
  const requests = clientStreamFrames();
  const reply = clientStreamReply();
  const texts = bidiFrames();
  return {
    async serverStream({ count }, onReply) {
      const stream = request(SERVER_STREAM);
      stream.end();
      await received(stream, replies);
      for (let index = 0; index < count; index += 1) onReply({ index });
    },
    async clientStream() {
      const stream = request(CLIENT_STREAM);
      for (const bytes of requests) stream.write(bytes);
      stream.end();
      await received(stream, reply);
      return { texts: [String(requests.length)] };
    },
    async bidiStream(pings, onReply) {
      const stream = request(BIDI_STREAM);
      let sent;
      stream.on('data', (chunk) =>
        onReply({ text: Buffer.compare(chunk, texts.get(sent)) === 0 ? sent : 'other bytes' }),
      );
      const ending = new Promise((resolve, reject) => void stream.on('end', resolve).on('error', reject));
      for await (const { text } of pings) {
        sent = text;
        stream.write(texts.get(text));
      }
      stream.end();
      await ending;
    },
  };
}

/** Compares each part of a reply with the bytes expected there. */
function received(stream, expected) {
  return new Promise((resolve, reject) => {
    let length = 0;
    let same = true;
    stream.on('data', (chunk) => {
      same &&= expected.compare(chunk, 0, chunk.length, length, length + chunk.length) === 0;
      length += chunk.length;
    });
    stream.on('end', () => {
      if (same && length === expected.length) resolve();
      else reject(new Error(`a reply of ${length} bytes isn't the one of ${expected.length} that was expected`));
    });
    stream.on('error', reject);
  });
}
