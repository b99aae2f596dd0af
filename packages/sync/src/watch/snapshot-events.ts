import { WatchUnavailable } from '../errors.js';
import { type Place, viewOf, writeToken } from '../token.js';
import { readWhole, type SnapshotPart, streamParts, TooMuchPending } from './snapshot.js';
import type { Keeping, WatchContext, WatchEvent, WatchOptions } from './watch.js';

const ATTEMPTS = 5;

/**
 * Tells the present state; returns where it stands in the history.
 *
 * What is small is read as a whole first, and its connection given back before the first part is told. What isn't is read
 * as it is told, with permits of its own: readers of large snapshots wait for each other, and nobody else for them.
 */
export async function* snapshotEvents<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
  keeping: Keeping,
): AsyncGenerator<WatchEvent<Part>, Place, undefined> {
  const { topic, resumeToken = '', filter } = options;
  context.onEvent({ kind: 'snapshot', topic, tokenGiven: resumeToken !== '' });
  let first = true;
  for await (const { part, place } of snapshotParts(context, options)) {
    const token = place && writeToken(viewOf(topic, filter?.name), place);
    keeping.something = place === undefined;
    yield { kind: 'snapshot', part, first, last: place !== undefined, resumeToken: token };
    if (place !== undefined) return place;
    first = false;
  }
  throw new Error('the snapshot has no end');
}

/** Where much is not relayed yet, it is relayed first. */
async function* snapshotParts<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const large = yield* partsFromMemory(context, options);
      if (large) yield* partsFromTransaction(context, options);
      return;
    } catch (error) {
      if (!(error instanceof TooMuchPending)) throw error;
      if (attempt === ATTEMPTS) throw new WatchUnavailable('changes come faster than they are relayed', error);
      await context.relay.flush();
    }
  }
}

/** From memory; true where it is too large for that, and nothing was told. */
async function* partsFromMemory<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
): AsyncGenerator<SnapshotPart<Part>, boolean, undefined> {
  const { held, permits, bounds } = context;
  let counted = 0;
  const giveHeld = (): void => {
    held.give(counted);
    counted = 0;
  };
  // The first part is the one that is told at once, and held by whatever sends it.
  const hold = (index: number): boolean => {
    if (index === 0) return true;
    if (index >= bounds.snapshotParts || !held.take()) return false;
    counted += 1;
    return true;
  };
  try {
    const giveBack = await permits.whole.acquire(options.signal);
    const whole = await readWhole(readingOf(context, options), hold).finally(giveBack);
    if (whole === undefined) return true;
    const { parts, place } = whole;
    for (const part of parts.splice(0, parts.length - 1)) yield { part, place: undefined };
    giveHeld();
    for (const part of parts) yield { part, place };
    return false;
  } finally {
    giveHeld();
  }
}

async function* partsFromTransaction<Part>(
  context: WatchContext,
  options: WatchOptions<Part>,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  const giveBack = await context.permits.streamed.acquire(options.signal);
  try {
    for await (const next of streamParts(readingOf(context, options))) {
      // Before the last part is told: its reader may take its time, and nothing is left to read.
      if (next.place !== undefined) giveBack();
      yield next;
    }
  } finally {
    giveBack();
  }
}

function readingOf<Part>(
  { database, clock, bounds }: WatchContext,
  { topic, snapshot: read, signal }: WatchOptions<Part>,
) {
  return { database, clock, timeoutMs: bounds.snapshotTimeoutMs, topic, read, signal };
}
