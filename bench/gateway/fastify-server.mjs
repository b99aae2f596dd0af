// What the gateway's HTTP/JSON is compared with: a Fastify server with a client of plain grpc-js, written by hand.
import * as grpc from '@grpc/grpc-js';
import { answerParent } from '@rondo/harness';
import Fastify from 'fastify';
import { CALLS } from './contract.mjs';

const integer = { type: 'integer' };
const schema = {
  body: { type: 'object', required: ['a', 'b'], properties: { a: integer, b: integer } },
  response: { 200: { type: 'object', properties: { result: integer } } },
};

answerParent({
  /** Serves `POST /add` by calls to a backend; gives the port. */
  async serve(backend) {
    const { path, encodeRequest, decodeReply } = CALLS.tiny;
    const client = new grpc.Client(backend, grpc.credentials.createInsecure());
    const add = (request) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + 2_000;
        client.makeUnaryRequest(path, encodeRequest, decodeReply, request, { deadline }, (error, reply) => {
          if (error === null) resolve(reply);
          else reject(error);
        });
      });
    const server = Fastify();
    server.post('/add', { schema }, async ({ body: { a, b } }) => {
      const { result } = await add({ a: BigInt(a), b: BigInt(b) });
      return { result: Number(result) };
    });
    return new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port;
  },
});
