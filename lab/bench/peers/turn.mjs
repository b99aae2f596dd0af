// A turn of a contender: calls for some time, in the client's process. Every reply is checked.
import { quantiles } from '../report/figures.mjs';
import { TEXTS, textOf } from './answers.mjs';

/**
 * A contender's client. It lacks the methods that the contender can't offer.
 *
 * @typedef {object} PeerClient
 * @property {'bytes' | 'text'} payloads What a payload is: a Uint8Array, or for contenders whose default format is JSON a
 *   string of as many ASCII characters, which JSON carries best.
 * @property {(request: { text: string, payload?: Uint8Array | string }) => Promise<object>} unary
 * @property {(request: { count: number, payloadBytes: number }, onReply: (reply: { index: number }) => void) => Promise<void>} [serverStream]
 * @property {(requests: Iterable<{ text: string }>) => Promise<{ texts: string[] }>} [clientStream]
 * @property {(requests: AsyncIterable<{ text: string }>, onReply: (reply: { text: string }) => void) => Promise<void>}
 *   [bidiStream]
 */

const METHODS = { unary: unaryCalls, serverStream: serverStreams, clientStream: clientStreams, bidiStream: pingPong };

/**
 * Calls for `seconds`, and at least once.
 *
 * @returns how many operations there were; how long they took, in milliseconds; the client's processor time, in microseconds; and
 *   quantiles of the time of a call, or of a whole stream of many messages, in milliseconds.
 */
export async function runTurn(client, workload, seconds) {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const record = { endsAt: startedAt + seconds * 1000, times: [], operations: 0 };
  await METHODS[workload.method](client, workload, record);
  const { user, system } = process.cpuUsage(cpu);
  const tookMs = performance.now() - startedAt;
  return { operations: record.operations, tookMs, cpuUs: user + system, ...quantiles(record.times) };
}

async function unaryCalls(client, { lanes, burst, bytes = 0 }, record) {
  const payload = payloadOf(client, bytes);
  const call = async (text) => {
    const startedAt = performance.now();
    checkEcho(await client.unary({ text, payload }), { text, payload });
    record.times.push(performance.now() - startedAt);
    record.operations += 1;
  };
  const lane = async (index) => {
    let made = index;
    do {
      await call(textOf(made));
      made += 1;
    } while (performance.now() < record.endsAt);
  };
  if (burst === undefined) return await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  do {
    await Promise.all(Array.from({ length: burst }, (_, index) => call(textOf(index))));
  } while (performance.now() < record.endsAt);
}

/** A payload of some bytes, which aren't all the same. */
function payloadOf({ payloads }, bytes) {
  const pattern = TEXTS.join();
  return payloads === 'text'
    ? pattern.repeat(Math.ceil(bytes / pattern.length)).slice(0, bytes)
    : Buffer.alloc(bytes, pattern);
}

/** Throws unless the reply has the request's text and payload. */
export function checkEcho(reply, { text, payload }) {
  if (reply.text !== text) throw new Error(`the reply to "${text}" has the text "${reply.text}"`);
  const same = typeof payload === 'string' ? reply.payload === payload : Buffer.compare(reply.payload, payload) === 0;
  if (!same) throw new Error(`the reply to "${text}" has another payload, of ${reply.payload?.length} bytes`);
}

async function serverStreams(client, { messages }, record) {
  await repeat(record, messages, async () => {
    let count = 0;
    await client.serverStream({ count: messages, payloadBytes: 0 }, ({ index }) => {
      if (index !== count) throw new Error(`message ${count} has the index ${index}`);
      count += 1;
    });
    if (count !== messages) throw new Error(`there were ${count} messages of ${messages}`);
  });
}

async function clientStreams(client, { messages }, record) {
  await repeat(record, messages, async () => {
    const { texts } = await client.clientStream(countedTexts(messages));
    if (texts[0] !== String(messages)) throw new Error(`the server had ${texts[0]} messages of ${messages}`);
  });
}

function* countedTexts(count) {
  for (let index = 0; index < count; index += 1) yield { text: textOf(index) };
}

async function repeat(record, operations, work) {
  do {
    const startedAt = performance.now();
    await work();
    record.times.push(performance.now() - startedAt);
    record.operations += operations;
  } while (performance.now() < record.endsAt);
}

/** One message at a time on one stream: the next is sent when the last is answered. */
async function pingPong(client, _, record) {
  let answered;
  async function* pings() {
    do {
      const text = textOf(record.operations);
      const startedAt = performance.now();
      const pong = new Promise((resolve) => {
        answered = resolve;
      });
      yield { text };
      const reply = await pong;
      if (reply !== text) throw new Error(`the reply to "${text}" is "${reply}"`);
      record.times.push(performance.now() - startedAt);
      record.operations += 1;
    } while (performance.now() < record.endsAt);
  }
  await client.bidiStream(pings(), ({ text }) => answered(text));
}
