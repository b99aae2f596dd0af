import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Database, Transaction } from '@rondo/database';
import type { Clock } from '@rondo/rpc/clock';
import { watchErrors } from '../errors.js';
import { type Anchor, type Appended, readHead, readPending } from '../history.js';
import type { Relay } from '../relay.js';
import type { Place } from '../token.js';

/** More pending changes would make the token too large. */
const MAX_PENDING = 100;
/** How many parts are read ahead of the reader. */
const PARTS_AHEAD = 1;
/** How often a snapshot is tried while too much is pending. */
const ATTEMPTS = 5;

/** Options of reading a snapshot. */
export interface SnapshotOptions<Part> {
  readonly database: Database;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly topic: string;
  readonly read: (transaction: Transaction) => AsyncIterable<Part>;
  readonly signal: AbortSignal;
}

/** A part of a snapshot. The last part has the snapshot's place in the history. */
export interface SnapshotPart<Part> {
  readonly part: Part;
  readonly place: Place | undefined;
}

/** Too many committed changes aren't relayed yet, so the snapshot's place would be too large. A relay reduces them. */
class TooMuchPending extends Error {
  override readonly name = 'TooMuchPending';
}

/**
 * Relays after an attempt that failed because too much was pending, so that the next one may succeed.
 *
 * @throws WatchUnavailable after the last attempt; any other `error`.
 */
export async function relayFirst(relay: Relay, error: unknown, attempt: number): Promise<void> {
  if (!(error instanceof TooMuchPending)) throw error;
  if (attempt === ATTEMPTS) throw watchErrors.TOO_MANY_CHANGES({ cause: error });
  await relay.flush();
}

/**
 * Reads a whole snapshot into memory, in one transaction; undefined if `hold` rejects a part. When it resolves the
 * transaction has ended, however slow the reader is.
 *
 * A change that is committed at that moment but not relayed yet is in the snapshot and will also come as a change. The
 * place lists it, so that the watcher doesn't get it twice.
 *
 * @throws TooMuchPending
 */
export async function readWhole<Part>(
  options: SnapshotOptions<Part>,
  hold: (index: number) => boolean,
): Promise<{ readonly parts: Part[]; readonly place: Place } | undefined> {
  const { topic, read } = options;
  return readOnce(options, async (transaction) => {
    const place = await placeOf(transaction, topic);
    const parts: Part[] = [];
    for await (const part of read(transaction)) {
      if (!hold(parts.length)) return undefined;
      parts.push(part);
    }
    if (parts.length === 0) throw new Error('a snapshot has at least one part, which may be empty');
    return { parts, place };
  });
}

/** Runs `work` once, in a transaction that sees one moment and ends after the timeout. */
export async function readOnce<T>(
  options: Pick<SnapshotOptions<unknown>, 'database' | 'clock' | 'timeoutMs' | 'signal'>,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const bound = bounded(options);
  // One attempt only: `hold` of a whole snapshot counts the parts.
  const transactionOptions = {
    isolation: 'repeatable read',
    readOnly: true,
    attempts: 1,
    signal: bound.signal,
  } as const;
  return options.database.transaction(work, transactionOptions).finally(bound.release);
}

/**
 * Reads a snapshot at its reader's pace, for snapshots that are too large for memory.
 *
 * The transaction ends after the last part, with `signal`, after the timeout, or when the reader stops.
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
      // One attempt only: a part that was yielded can't be taken back.
      { isolation: 'repeatable read', readOnly: true, attempts: 1, signal: bound.signal },
    )
    // Not when the reader is done: a reader that never requests the next part would leak the timer.
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

/** A signal that aborts with the caller's or after the timeout, until `release` is called. */
function bounded({ clock, timeoutMs, signal }: Pick<SnapshotOptions<unknown>, 'clock' | 'timeoutMs' | 'signal'>) {
  const ending = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => ending.abort(watchErrors.SNAPSHOT_NOT_READ({ timeoutMs })));
  const onAbort = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const release = (): void => {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  };
  return { signal: ending.signal, release };
}

/** Object streams can't carry null and undefined. */
async function* wrapped<Part>(parts: AsyncIterable<Part>): AsyncGenerator<{ readonly part: Part }> {
  for await (const part of parts) yield { part };
}

/** Delays each part by one, to recognize the last. */
async function* withPlace<Part>(
  parts: AsyncIterable<{ readonly part: Part }>,
  place: () => Place | undefined,
): AsyncGenerator<SnapshotPart<Part>, void, undefined> {
  let held: { readonly part: Part } | undefined;
  for await (const next of parts) {
    if (held !== undefined) yield { ...held, place: undefined };
    held = next;
  }
  if (held === undefined) throw new Error('a snapshot has at least one part, which may be empty');
  yield { ...held, place: place() };
}

async function placeOf(transaction: Transaction, topic: string): Promise<Place> {
  const { head, pending } = await readMoment(transaction, topic);
  return { ...head, included: new Map(pending.map(({ id, createTime }) => [id, { writtenMs: createTime.getTime() }])) };
}

/** The moment that a transaction sees: the newest position, and the topic's changes that aren't relayed yet. */
export async function readMoment(
  transaction: Transaction,
  topic: string,
): Promise<{ readonly head: Anchor; readonly pending: readonly Appended[] }> {
  const head = await readHead(transaction);
  const pending = await readPending(transaction, topic, MAX_PENDING);
  if (pending.length > MAX_PENDING) throw new TooMuchPending();
  return { head, pending };
}
