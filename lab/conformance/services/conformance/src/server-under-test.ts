import type { TLSCreds } from '@rondo/contracts/connectrpc/conformance/v1/config';
import { ServerCompatRequest, ServerCompatResponse } from '@rondo/contracts/connectrpc/conformance/v1/server_compat';
import { readFrames, writeFrame } from './frames.js';

/** The suite's settings for the server. */
export interface ServerOptions {
  /** The longest request that it takes, in bytes; undefined for the default. */
  readonly maxRequestBytes: number | undefined;
  /** For TLS; undefined without TLS. */
  readonly credentials: TLSCreds | undefined;
}

/**
 * Runs this process as a server under test: it reads the suite's settings, starts the server and sends the suite its address.
 *
 * @param start resolves to the port on the loopback.
 */
export async function serveSuite(start: (options: ServerOptions) => Promise<number>): Promise<void> {
  for await (const frame of readFrames(process.stdin)) {
    const { messageReceiveLimit, useTls, serverCreds } = ServerCompatRequest.decode(frame);
    const credentials = useTls ? serverCreds : undefined;
    const port = await start({
      maxRequestBytes: messageReceiveLimit === 0 ? undefined : messageReceiveLimit,
      credentials,
    });
    const certificate = credentials && { pemCert: credentials.cert };
    const answer = ServerCompatResponse.fromPartial({ host: '127.0.0.1', port, ...certificate });
    writeFrame(ServerCompatResponse.encode(answer).finish());
  }
}
