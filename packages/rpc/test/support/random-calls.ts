import { seededRandom } from '@rondo/base/testing';
import {
  BidiStreamRequest,
  ClientStreamRequest,
  ClientStreamResponse,
  ServerStreamRequest,
  UnaryRequest,
  UnaryResponse,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import { CallContext, cancelled } from '../../src/call/call-context.js';
import { createRouter } from '../../src/exports/server.js';
import type { WireCall } from '../../src/transport/transport.js';
import { JoinedEnds } from './joined-ends.js';
import { conformanceService } from './service.js';
import { wireCall } from './wire-call.js';

const SERVICE = '/rondo.conformance.v1.ConformanceService/';
const CALLS = 12;

/** What became of the calls of a seed. */
export interface Outcome {
  /** Whether each call has an outcome, and the server has no call left. */
  readonly settled: boolean;
  /** The calls that have another outcome than they should have, if nothing has broken. */
  readonly wrong: readonly string[];
}

interface Made {
  readonly wire: WireCall;
  readonly check: (messages: readonly Uint8Array[]) => boolean;
}

/** Makes calls of all kinds between two joined ends. `isBroken`: a byte is changed on its way. */
export async function makeRandomCalls(seed: number, isBroken: boolean): Promise<Outcome> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random.next() * limit);
  const most = [3, 300, 30_000][below(3)] ?? 1;
  const chunkBytes = () => 1 + below(most);
  let breakAt = isBroken ? below(5_000) : Number.POSITIVE_INFINITY;
  const change = (bytes: Buffer) => {
    if (breakAt >= bytes.length) breakAt -= bytes.length;
    else {
      bytes[breakAt] = below(256);
      breakAt = Number.POSITIVE_INFINITY;
    }
    return bytes;
  };
  const broken = below(2) === 0 ? [{ chunkBytes, change }, { chunkBytes }] : [{ chunkBytes }, { chunkBytes, change }];
  const [toServer = { chunkBytes }, toClient = { chunkBytes }] = broken;
  const ends = new JoinedEnds(createRouter({ services: [conformanceService()] }), toServer, toClient);
  await ends.run(() => ends.ready);
  const lengthOf = () => below(below(6) === 0 ? 100 * most : 500);
  const made = Array.from({ length: CALLS }, () => makeCall(below, lengthOf));
  const wrong: string[] = [];
  let open = made.length;
  for (const { wire, check } of made) {
    if (below(5) === 0) setTimeout(() => wire.context.end(cancelled()), below(5));
    void readAll(wire, ends)
      .then((messages) => {
        if (!check(messages)) throw new Error('another reply');
      })
      .catch((error: unknown) => {
        if (wire.context.reason === undefined) wrong.push(`${wire.path}: ${error}`);
      })
      .finally(() => {
        open -= 1;
      });
  }
  const isSettled = () => open === 0 && ends.inFlight === 0;
  let settled = await ends.run(isSettled);
  if (!settled && isBroken) {
    // A wrong length: its end waits for bytes that never come, until pings end the connection.
    ends.close();
    settled = await ends.run(isSettled);
  }
  for (const { wire } of made) wire.context.end(cancelled());
  ends.client.close();
  return { settled, wrong };
}

async function readAll(wire: WireCall, { client }: JoinedEnds): Promise<Uint8Array[]> {
  const { response } = await client.call(wire);
  if (!response.stream) return [response.message];
  const messages: Uint8Array[] = [];
  for await (const message of response.messages) messages.push(message);
  return messages;
}

function makeCall(below: (limit: number) => number, lengthOf: () => number): Made {
  const context = new CallContext();
  const payload = Buffer.alloc(lengthOf(), 'p');
  const count = below(20);
  const texts = Array.from({ length: count }, (_, index) => `${index}`.repeat(1 + (lengthOf() % 1_000)));
  const kinds: readonly (() => Made)[] = [
    () => ({
      wire: wireCall({
        context,
        path: `${SERVICE}Unary`,
        request: { stream: false, message: UnaryRequest.encode(UnaryRequest.fromPartial({ payload })).finish() },
      }),
      check: ([only]) => only !== undefined && payload.equals(UnaryResponse.decode(only).payload),
    }),
    () => ({
      wire: wireCall({
        context,
        path: `${SERVICE}ServerStream`,
        responseStream: true,
        request: {
          stream: false,
          message: ServerStreamRequest.encode(
            ServerStreamRequest.fromPartial({ count, payloadBytes: payload.length }),
          ).finish(),
        },
      }),
      check: (messages) => messages.length === count && messages.every(({ length }) => length >= payload.length),
    }),
    () => ({
      wire: wireCall({
        context,
        path: `${SERVICE}ClientStream`,
        request: {
          stream: true,
          messages: streamOf(
            texts.map((text) => ClientStreamRequest.encode(ClientStreamRequest.fromPartial({ text })).finish()),
          ),
        },
      }),
      check: ([only]) => only !== undefined && ClientStreamResponse.decode(only).texts.join() === texts.join(),
    }),
    () => ({
      wire: wireCall({
        context,
        path: `${SERVICE}BidiStream`,
        responseStream: true,
        request: {
          stream: true,
          messages: streamOf(
            texts.map((text) => BidiStreamRequest.encode(BidiStreamRequest.fromPartial({ text })).finish()),
          ),
        },
      }),
      check: (messages) => messages.length === count,
    }),
  ];
  const kind = kinds[below(kinds.length)];
  if (kind === undefined) throw new RangeError('no such kind');
  return kind();
}

async function* streamOf(messages: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* messages;
}
