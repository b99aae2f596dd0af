/** How the suite and the program under test talk: messages over standard input and output, each after its length. */
const LENGTH_BYTES = 4;

/** The messages in what `input` reads, each still encoded. */
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

/** Where the first message of `bytes` ends; beyond every end while even its length has not come. */
function frameEnd(bytes: Buffer): number {
  return bytes.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + bytes.readUInt32BE();
}

/** Writes an encoded message to standard output. */
export function writeFrame(message: Uint8Array): void {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  process.stdout.write(Buffer.concat([length, message]));
}
