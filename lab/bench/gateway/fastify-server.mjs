// What the gateway's HTTP/JSON is compared with: a Fastify server with a client of plain grpc-js, written by hand.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { answerParent } from '@rondo/harness';
import Fastify from 'fastify';
import { connectPlain, unaryOf } from '../plain/client.mjs';

const TIMEOUT_MS = 2_000;

const integer = { type: 'integer' };
const schema = {
  body: { type: 'object', required: ['a', 'b'], properties: { a: integer, b: integer } },
  response: { 200: { type: 'object', properties: { result: integer } } },
};

answerParent({
  /** Serves `POST /add` by calls to a backend; gives the port. */
  async serve(backend) {
    const add = unaryOf(connectPlain(CalculatorServiceDefinition, backend), 'add');
    const server = Fastify();
    server.post('/add', { schema }, async ({ body: { a, b } }) => {
      const { result } = await add({ a: BigInt(a), b: BigInt(b) }, { deadline: Date.now() + TIMEOUT_MS });
      return { result: Number(result) };
    });
    return new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port;
  },
});
