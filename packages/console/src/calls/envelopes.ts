/** A part of a stream: its flags and its text. */
export interface Envelope {
  readonly flags: number;
  readonly text: string;
}

const PREFIX_BYTES = 5;
/** The gateway passes on no larger message. */
const MAX_BYTES = 64 * 2 ** 20;

/**
 * Cuts a stream of bytes into envelopes: a byte of flags, the length in four bytes, the text.
 *
 * @throws Error if an envelope is too large, or cut off.
 */
export async function* parseEnvelopes(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Envelope> {
  if (body === null) return;
  const reader = body.getReader();
  let kept = new Uint8Array();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      kept = joined(kept, value);
      while (kept.length >= PREFIX_BYTES) {
        const end = PREFIX_BYTES + new DataView(kept.buffer, kept.byteOffset).getUint32(1);
        if (end > MAX_BYTES) throw new Error(`a message has ${end} bytes`);
        if (kept.length < end) break;
        yield { flags: kept[0] ?? 0, text: new TextDecoder().decode(kept.subarray(PREFIX_BYTES, end)) };
        kept = kept.subarray(end);
      }
    }
    if (kept.length > 0) throw new Error('a message is cut off');
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(one.length + other.length);
  all.set(one);
  all.set(other, one.length);
  return all;
}
