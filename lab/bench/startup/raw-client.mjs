// A client of plain HTTP/2 that calls calculator's Add. It loads nothing but Node, and it doesn't wait between two tries.
import { once } from 'node:events';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

const HEADERS = {
  ':method': 'POST',
  ':path': '/calculator.v1.CalculatorService/Add',
  'content-type': 'application/grpc',
  te: 'trailers',
};
/** The frame of `{ a: 2, b: 3 }`, and that of `{ result: 5 }`. */
const REQUEST = Buffer.from([0, 0, 0, 0, 4, 8, 2, 16, 3]);
const REPLY = Buffer.from([0, 0, 0, 0, 2, 8, 5]);
const RETRY_MS = 2;
const TIMEOUT_MS = 120_000;

/**
 * Connects again and again until the server listens.
 *
 * @throws Error if the server doesn't listen within two minutes.
 */
export async function connectTo(port) {
  const endsAt = performance.now() + TIMEOUT_MS;
  for (;;) {
    const session = connect(`http://127.0.0.1:${port}`);
    try {
      await once(session, 'connect');
      return session;
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** Calls Add once. @throws Error if the answer isn't 5 with the status OK. */
export async function add(session) {
  const stream = session.request(HEADERS);
  let status;
  stream.on('trailers', (trailers) => {
    status = trailers['grpc-status'];
  });
  stream.end(REQUEST);
  const reply = Buffer.concat(await stream.toArray());
  if (status !== '0' || !reply.equals(REPLY))
    throw new Error(`a wrong answer: status ${status}, ${reply.toString('hex')}`);
}
