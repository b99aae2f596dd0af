import type { Socket } from 'node:net';
import { firstOf, open, type Victim } from './attempt.js';
import {
  ACK,
  BEGIN,
  call,
  frame,
  frameReader,
  headersFrame,
  pathOf,
  requestTo,
  settings,
  TYPE,
  times,
} from './frames.js';

/** What a server grants a connection of HTTP/2, and how it refuses one more. */
export interface SessionLimit {
  readonly what: string;
  readonly most: number;
  /** The frames of a client that takes so many. */
  readonly taking: (count: number) => readonly Buffer[];
  readonly refusal: Outcome;
}

/** What becomes of a client's frames: the server reads on, resets a stream as it is too much, or reads nothing more. */
export type Outcome = 'served' | 'stream refused' | 'connection refused';

const request = requestTo(pathOf('Unary'));

/** Of both, the limits of Node are set explicitly: their defaults may change. */
export const SETTINGS_ENTRIES: SessionLimit = {
  what: 'entries of a SETTINGS frame',
  most: 32,
  taking: (count) => [settings(...times(count, () => [3, 100] as const)), call()],
  refusal: 'connection refused',
};
export const HEADERS: SessionLimit = {
  what: 'headers of a request',
  most: 128,
  taking: (count) => [call([...request, ...times(count - request.length, (index) => [`k${index}`, 'v'] as const)])],
  refusal: 'stream refused',
};

/** Streams that stay open, of which a server may have `most`. */
export const openStreams = (most: number): SessionLimit => ({
  what: 'streams that are open',
  most,
  taking: (count) => {
    const streams = requestTo(pathOf('BidiStream'));
    return times(count, (index) => headersFrame(streams, { stream: index * 2 + 1 }));
  },
  refusal: 'stream refused',
});

const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const LAST = frame(TYPE.PING, { payload: Buffer.from('all read') });
/** A server that serves so many other clients meanwhile, each after the other, doesn't serve this one. */
const OTHERS = 3;

/** What becomes of a client that takes as much as it may, and of one that takes one more. */
export async function outcomesOf(victim: Victim, { most, taking, refusal }: SessionLimit): Promise<readonly Outcome[]> {
  const served = await outcomeOf(victim, taking(most));
  if (refusal !== 'connection refused') return [served, await outcomeOf(victim, taking(most + 1))];
  // A server that has refused a connection may neither answer nor end it.
  const othersServed = async (socket: Socket) => {
    for (let left = OTHERS; left > 0 && !socket.destroyed; left -= 1) await outcomeOf(victim, []);
  };
  return [served, await outcomeUntil(victim, taking(most + 1), othersServed)];
}

/** Sends frames, and returns what becomes of them. */
export const outcomeOf = (victim: Victim, frames: readonly Buffer[], patienceMs?: number): Promise<Outcome> =>
  outcomeUntil(victim, frames, (socket) => firstOf(socket, ['all read', 'close'], patienceMs));

async function outcomeUntil(
  victim: Victim,
  frames: readonly Buffer[],
  end: (socket: Socket) => Promise<void>,
): Promise<Outcome> {
  const socket = await open(victim);
  let outcome: Outcome = 'connection refused';
  let refused = false;
  let answers = 0;
  const read = frameReader(({ type, flags, payload }) => {
    if (type === TYPE.RST_STREAM) refused ||= [ENHANCE_YOUR_CALM, REFUSED_STREAM].includes(payload.readUInt32BE());
    if (type !== TYPE.PING || flags !== ACK) return;
    answers += 1;
    // An answer overtakes the resets of streams, and the next one doesn't.
    if (answers === 1) socket.write(LAST);
    if (answers === 1) return;
    outcome = refused ? 'stream refused' : 'served';
    socket.emit('all read');
  });
  socket.on('data', read);
  socket.write(Buffer.concat([BEGIN, ...frames, LAST]));
  await end(socket);
  socket.destroy();
  return outcome;
}
