// The floor: streams of node:http2 with gRPC's headers and trailers, and bytes that are made before the first call.
import { createServer } from 'node:http2';
import { echo, listening } from '../answers.mjs';
import { clientStreamFrames, clientStreamReply, serverStreamFrames } from './frames.mjs';

const HEADERS = { ':status': 200, 'content-type': 'application/grpc' };
const TRAILERS = { 'grpc-status': '0' };
const replies = serverStreamFrames();
const requests = Buffer.concat(clientStreamFrames());
const reply = clientStreamReply();

const METHODS = {
  Unary: (stream, body) => {
    echo({});
    stream.end(body);
  },
  ServerStream: (stream) => {
    for (const one of replies) stream.write(one);
    stream.end();
  },
  ClientStream: (stream, body) => {
    if (Buffer.compare(body, requests) === 0) stream.end(reply);
    else stream.close();
  },
};

export const serve = () => listening(createServer().on('stream', answer));

function answer(stream, headers) {
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(TRAILERS));
  const method = headers[':path'].split('/').at(-1);
  if (method === 'BidiStream') {
    stream.on('data', (chunk) => stream.write(chunk)).on('end', () => stream.end());
    return;
  }
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => METHODS[method](stream, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
}
