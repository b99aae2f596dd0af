/** The protocol between the suite and the program under test: messages over standard input and output, each after its length. */
const LENGTH_BYTES = 4;

/** The encoded messages that `input` reads. */
export async function* readFrames(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending = Buffer.alloc(0);
  for await (const chunk of input) {
    pending = Buffer.concat([pending, chunk]);
    for (let end = frameEnd(pending); end <= pending.length; end = frameEnd(pending)) {
      yield pending.subarray(LENGTH_BYTES, end);
      pending = pending.subarray(end);
    }
  }
}

/** The end of the first message in `bytes`; infinite while its length has not arrived. */
function frameEnd(bytes: Buffer): number {
  return bytes.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + bytes.readUInt32BE();
}

/** Writes an encoded message to standard output. */
export function writeFrame(message: Uint8Array): void {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}
