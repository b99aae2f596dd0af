import { ServerCompatRequest, ServerCompatResponse } from '@rondo/contracts/connectrpc/conformance/v1/server_compat';
import { readFrames, writeFrame } from './frames.js';

/** What the suite says of the server that it wants. */
export interface ServerOptions {
  /** The longest request that it takes, in bytes; undefined for the default. */
  readonly maxRequestBytes: number | undefined;
}

/**
 * Runs this process as a server under test: it reads what the suite wants, starts the server and says where it listens.
 *
 * @param start resolves to the port on the loopback.
 */
export async function serveSuite(start: (options: ServerOptions) => Promise<number>): Promise<void> {
  for await (const frame of readFrames(process.stdin)) {
    const { messageReceiveLimit } = ServerCompatRequest.decode(frame);
    const port = await start({ maxRequestBytes: messageReceiveLimit === 0 ? undefined : messageReceiveLimit });
    const answer = ServerCompatResponse.fromPartial({ host: '127.0.0.1', port });
    writeFrame(ServerCompatResponse.encode(answer).finish());
  }
}
