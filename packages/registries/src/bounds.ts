import type { Readable } from 'node:stream';
import { type Clock, sleep, systemClock } from '@rondo/rpc/clock';

/** What the answers that this process reads at a time may take, and what the lists of a resolver may take. Bytes. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** What a value takes besides its text. Bytes. */
const VALUE_BYTES = 32;

let held = 0;

/**
 * Has `use` parse the text of an answer in JSON. It also gets the memory that this takes, by an estimate: the text as bytes and as
 * characters, and its values.
 *
 * @throws RangeError if that, with the other answers which this process reads, is more than {@link MAX_HELD_BYTES}.
 */
export async function readText<T>(response: Readable, use: (text: string, takenBytes: number) => T): Promise<T> {
  const chunks: Buffer[] = [];
  let taken = 0;
  try {
    for await (const chunk of response) {
      const more = 2 * chunk.length + VALUE_BYTES * valuesIn(chunk);
      [taken, held] = [taken + more, held + more];
      if (held > MAX_HELD_BYTES)
        throw new RangeError(`the answers that are read take more than ${MAX_HELD_BYTES} bytes`);
      chunks.push(chunk);
    }
    return use(Buffer.concat(chunks).toString(), taken);
  } finally {
    held -= taken;
  }
}

/** How many bytes begin or follow a value of JSON: `,`, `[` and `{`. */
function valuesIn(chunk: Buffer): number {
  let values = 0;
  for (let at = 0; at < chunk.length; at += 1) {
    const byte = chunk[at];
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) values += 1;
  }
  return values;
}

/** @throws RangeError if lists take more than {@link MAX_HELD_BYTES}. */
export function checkTaken(bytes: number): void {
  if (bytes > MAX_HELD_BYTES) throw new RangeError(`its lists take more than ${MAX_HELD_BYTES} bytes`);
}

/** Waits for its turn: `count` at once, and then as many a second, so that a server that always has news isn't asked in a loop. */
export function createPace(count: number, clock: Clock = systemClock): (signal: AbortSignal) => Promise<void> {
  let due = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    due = Math.max(due, clock.now() - 1_000) + 1_000 / count;
    const waitMs = due - clock.now();
    if (waitMs > 0) await sleep(clock, waitMs, signal);
  };
}
