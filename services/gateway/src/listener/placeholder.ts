import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AppListener, formatHostPort, type HostPort } from '@rondo/service';

/** A public port that serves `/healthz` and nothing else, over HTTP/1.1. */
export function placeholderListener(at: HostPort): AppListener {
  const server = createServer(answer);
  return {
    async listen() {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(at.port, at.host, resolve);
      });
      return { address: formatHostPort({ host: at.host, port: portOf(server.address()) }) };
    },
    drain: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer({ url }: IncomingMessage, response: ServerResponse): void {
  response.writeHead(url === '/healthz' ? 200 : 404).end();
}

const portOf = (address: AddressInfo | string | null) =>
  typeof address === 'object' && address !== null ? address.port : 0;
