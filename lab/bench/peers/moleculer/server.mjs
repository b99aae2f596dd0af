// Moleculer as its documentation has it: a service of actions, the TCP transporter, the default serializer (JSON), and streams
// of objects. Payloads are strings, since JSON carries no bytes.
import { once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import { freePort } from '@rondo/harness';
import { countTo, createTally, echo } from '../answers.mjs';
import { createBroker } from './broker.mjs';

const actions = {
  unary: ({ params }) => echo(params),
  serverStream: ({ params }) => Readable.from(countTo(params.count)),
  async clientStream({ stream }) {
    const tally = createTally();
    stream.on('data', (message) => tally.take(message));
    await once(stream, 'end');
    return tally.reply();
  },
  bidiStream: ({ stream }) =>
    stream.pipe(
      new Transform({
        objectMode: true,
        transform: ({ text }, _, done) => done(null, { text }),
      }),
    ),
};

/** The address is an entry of the list of nodes. */
export async function serve() {
  const port = await freePort();
  const id = `server-${port}`;
  const node = `127.0.0.1:${port}/${id}`;
  const broker = createBroker(id, [node]);
  broker.createService({ name: 'conformance', actions });
  await broker.start();
  return node;
}
