// What every server answers, whatever carries the calls, and how many calls it has answered.
import { once } from 'node:events';

const NOTHING = Buffer.alloc(0);
let served = 0;

/** The reply to a unary request: the request. */
export function echo({ text, payload }) {
  served += 1;
  return { text, payload };
}

/** The replies of a server stream. */
export function* countTo(count) {
  for (let index = 0; index < count; index += 1) yield { index, payload: NOTHING };
}

/** Texts that differ from call to call, so that a reply to another call is noticed. */
export const TEXTS = Array.from({ length: 64 }, (_, index) => `call-${String(index).padStart(2, '0')}`);

/** The text of the message with this index. */
export const textOf = (index) => TEXTS[index % TEXTS.length];

/** Takes the messages of a client stream one by one; the reply has their number. A wrong message is an error. */
export function createTally() {
  let count = 0;
  return {
    take({ text }) {
      if (text !== textOf(count)) throw new Error(`message ${count} is "${text}", not "${textOf(count)}"`);
      count += 1;
    },
    reply: () => ({ texts: [String(count)] }),
  };
}

/** Has a server of node:http2 listen, and gives its address. */
export async function listening(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${server.address().port}`;
}

/** How many unary calls this process has answered. */
export const servedCalls = () => served;
