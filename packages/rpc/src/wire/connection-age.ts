import type { IncomingHttpHeaders, ServerHttp2Session } from 'node:http2';
import type { Clock, Random } from '@rondo/base';
import { USER_AGENT } from '../transport/grpc/options.js';

/** How old connections may get. */
interface AgeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** 0 for any age. Milliseconds. */
  readonly maxAgeMs: number;
}

/** By how much of itself the age differs between connections, so that clients don't all connect anew at once. */
const JITTER = 0.1;
/** How long the calls of an aged connection may still take. Milliseconds. */
const GRACE_MS = 300_000;
const NO_ERROR = 0;
/** The highest id that a stream can have: no stream is refused before the client has read this. */
const ANY_STREAM = 2 ** 31 - 1;

/**
 * Asks a client that isn't Rondo's to reconnect when its connection has reached the maximum age. Such a client usually makes all
 * its calls over the first connection that it gets (pick_first), and would never find a new instance.
 *
 * Rondo's clients know all instances, and are left alone: over a draining connection Node sends no pings, see ADR 0005.
 */
export function limitAge(session: ServerHttp2Session, options: AgeOptions): void {
  if (options.maxAgeMs === 0) return;
  session.once('stream', (_stream: unknown, headers: IncomingHttpHeaders) => {
    if (!isRondo(headers)) closeAtAge(session, options);
  });
}

/** Whether the client is one of Rondo's, by its first call. */
function isRondo({ 'user-agent': agent = '' }: IncomingHttpHeaders): boolean {
  return agent.startsWith(`${USER_AGENT} `);
}

function closeAtAge(session: ServerHttp2Session, { clock, random, maxAgeMs }: AgeOptions): void {
  const ageMs = maxAgeMs * (1 + JITTER * (2 * random.next() - 1));
  const close = () => {
    // It closes when its socket does, which a client that reads nothing delays.
    if (session.destroyed) return;
    session.goaway(NO_ERROR, ANY_STREAM, Buffer.from('max_age'));
    session.close();
    timer = clock.setTimer(GRACE_MS, () => session.destroy(), { keepAlive: false });
  };
  let timer = clock.setTimer(ageMs, close, { keepAlive: false });
  session.once('close', () => timer.cancel());
}
