import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Database, Transaction } from '@rondo/database';
import { WatchAborted } from '../errors.js';
import { readHead, readPending } from '../history.js';
import type { SyncClock } from '../options.js';
import type { Place } from '../token.js';

/** More than a token should hold. */
const MAX_PENDING = 100;
/** How many parts are read ahead of their reader. */
const PARTS_AHEAD = 1;

/** What a snapshot needs. */
export interface SnapshotOptions<Part> {
  readonly database: Database;
  readonly clock: SyncClock;
  readonly timeoutMs: number;
  readonly topic: string;
  readonly read: (transaction: Transaction) => AsyncIterable<Part>;
  readonly signal: AbortSignal;
}

/** A part of a snapshot; the last says where the snapshot stands in the history. */
export interface SnapshotPart<Part> {
  readonly part: Part;
  readonly place: Place | undefined;
}

/** So much is committed and not relayed that the snapshot's place would be too large; it is smaller after a relay. */
export class TooMuchPending extends Error {
  override readonly name = 'TooMuchPending';
}

/**
 * Reads a snapshot as a whole, in one transaction that sees one moment; undefined where it has a part that `hold` doesn't
 * take. Once it resolves there is no transaction any more, however slow the reader is.
 *
 * What is committed at that moment and has no position yet is in the snapshot and will come as a change, too: the place
 * names it, so that it isn't told twice.
 *
 * @throws TooMuchPending
 */
export async function readWhole<Part>(
  options: SnapshotOptions<Part>,
  hold: (index: number) => boolean,
): Promise<{ readonly parts: Part[]; readonly place: Place } | undefined> {
  const { database, topic, read } = options;
  const bound = bounded(options);
  const work = async (transaction: Transaction) => {
    const place = await placeOf(transaction, topic);
    const parts: Part[] = [];
    for await (const part of read(transaction)) {
      if (!hold(parts.length)) return undefined;
      parts.push(part);
    }
    if (parts.length === 0) throw new Error('a snapshot gives one part at least, be it an empty one');
    return { parts, place };
  };
  // Once only: what was held is counted.
  const how = { isolation: 'repeatable read', attempts: 1, signal: bound.signal } as const;
  return database.transaction(work, how).finally(bound.release);
}

/**
 * Reads a snapshot as its reader takes it, as {@link readWhole} does otherwise: one that is too large to be held.
 *
 * The transaction ends with the last part, with `signal`, with the time, or as soon as the reader stops.
 *
 * @throws TooMuchPending before the first part.
 */
export async function* streamParts<Part>(
  options: SnapshotOptions<Part>,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  const { database, topic, read } = options;
  const parts = new PassThrough({ objectMode: true, highWaterMark: PARTS_AHEAD });
  const bound = bounded(options);
  let place: Place | undefined;
  const reading = database
    .transaction(
      async (transaction) => {
        place = await placeOf(transaction, topic);
        await pipeline(wrapped(read(transaction)), parts, { end: false });
      },
      // Once only: a part that was told can't be taken back.
      { isolation: 'repeatable read', attempts: 1, signal: bound.signal },
    )
    // Not when the reader is done: one that never asks for the next part would leave a timer behind.
    .finally(bound.release)
    .then(
      () => void parts.end(),
      (error: unknown) => void parts.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  try {
    yield* withPlace<Part>(parts, () => place);
  } finally {
    parts.destroy();
    await reading;
  }
}

/** A signal that aborts with the caller's, or when the time is over; until `release`. */
function bounded({ clock, timeoutMs, signal }: Pick<SnapshotOptions<unknown>, 'clock' | 'timeoutMs' | 'signal'>) {
  const ending = new AbortController();
  const late = new WatchAborted(`the snapshot wasn't read within ${timeoutMs} ms: read faster, and watch again`);
  const timer = clock.setTimer(timeoutMs, () => ending.abort(late));
  const onAbort = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const release = (): void => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  };
  return { signal: ending.signal, release };
}

/** Object streams can't hold null and undefined. */
async function* wrapped<Part>(parts: AsyncIterable<Part>): AsyncGenerator<{ readonly part: Part }> {
  for await (const part of parts) yield { part };
}

/** One part is held back, to tell the last. */
async function* withPlace<Part>(
  parts: AsyncIterable<{ readonly part: Part }>,
  place: () => Place | undefined,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  let held: { readonly part: Part } | undefined;
  for await (const next of parts) {
    if (held !== undefined) yield { ...held, place: undefined };
    held = next;
  }
  if (held === undefined) throw new Error('a snapshot gives one part at least, be it an empty one');
  yield { ...held, place: place() };
}

async function placeOf(transaction: Transaction, topic: string): Promise<Place> {
  const head = await readHead(transaction);
  const pending = await readPending(transaction, topic, MAX_PENDING);
  if (pending.length > MAX_PENDING) throw new TooMuchPending();
  return { ...head, told: new Map(pending.map(({ id, createTime }) => [id, createTime.getTime()])) };
}
