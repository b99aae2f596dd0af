import { isShort } from '@rondo/database';
import { type Place, viewOf, writeToken } from '../token.js';
import { readWhole, relayFirst, type SnapshotPart, streamParts } from './snapshot.js';
import type { HeldState, WatchContext, WatchEvent, WatchOptions, WholeSnapshot } from './watch.js';

type Options<Part> = Omit<WatchOptions<Part>, 'snapshot'> & { readonly snapshot: WholeSnapshot<Part> };

/**
 * Yields the present state; returns its place in the history.
 *
 * A small snapshot is read into memory first, and its connection is returned before the first part is yielded. A larger
 * one is read at its reader's pace, with a semaphore of its own: readers of large snapshots wait only for each other.
 */
export async function* snapshotEvents<Part>(
  context: WatchContext,
  options: Options<Part> & { readonly held: HeldState },
): AsyncGenerator<WatchEvent<Part>, Place, undefined> {
  const { topic, filter, held } = options;
  let first = true;
  for await (const { part, place } of snapshotParts(context, options)) {
    const token = place && writeToken(viewOf(topic, filter?.name), place);
    held.resources = place === undefined;
    yield { kind: 'snapshot', part, first, last: place !== undefined, resumeToken: token };
    if (place !== undefined) return place;
    first = false;
  }
  throw new Error('the snapshot has no last part');
}

/** If too many changes aren't relayed yet, it relays them first. */
async function* snapshotParts<Part>(
  context: WatchContext,
  options: Options<Part>,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const large = yield* partsFromMemory(context, options);
      if (large) yield* partsFromTransaction(context, options);
      return;
    } catch (error) {
      await relayFirst(context.relay, error, attempt);
    }
  }
}

/** Yields the parts from memory. Returns true, without yielding, if the snapshot is too large for that. */
async function* partsFromMemory<Part>(
  context: WatchContext,
  options: Options<Part>,
): AsyncGenerator<SnapshotPart<Part>, boolean, undefined> {
  const { snapshotTurns, semaphores, bounds } = context;
  const releases: (() => void)[] = [];
  const releaseParts = (): void => {
    for (const release of releases.splice(0)) release();
  };
  // The first part is yielded at once, so it doesn't wait in memory.
  const hold = (index: number): boolean => {
    if (index === 0) return true;
    const release = index < bounds.snapshotParts ? semaphores.parts.tryAcquire() : undefined;
    if (release === undefined) return false;
    releases.push(release);
    return true;
  };
  try {
    const whole = await snapshotTurns.run(() => readWhole(readingOf(context, options), hold), { ...options, isShort });
    if (whole === undefined) return true;
    const { parts, place } = whole;
    for (const part of parts.splice(0, parts.length - 1)) yield { part, place: undefined };
    releaseParts();
    for (const part of parts) yield { part, place };
    return false;
  } finally {
    releaseParts();
  }
}

async function* partsFromTransaction<Part>(
  context: WatchContext,
  options: Options<Part>,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  const release = await context.semaphores.largeSnapshots.acquire(options.signal);
  try {
    for await (const next of streamParts(readingOf(context, options))) {
      // Before the last part is yielded: its reader may be slow, and the transaction has ended.
      if (next.place !== undefined) release();
      yield next;
    }
  } finally {
    release();
  }
}

function readingOf<Part>({ database, clock, bounds }: WatchContext, { topic, snapshot: read, signal }: Options<Part>) {
  return { database, clock, timeoutMs: bounds.snapshotTimeoutMs, topic, read, signal };
}
