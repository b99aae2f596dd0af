import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AppListener } from '@rondo/rpc/server';
import { cannotBind } from '../src/exports/index.js';

/** A listener at a port of 127.0.0.1. It records what happens to it. */
export function listenerAt(port: number): AppListener & { readonly steps: readonly string[] } {
  const server = createServer();
  const steps: string[] = [];
  return {
    steps,
    async listen() {
      steps.push('listen');
      try {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
      } catch (cause) {
        throw cannotBind({ what: 'listen on', at: { host: '127.0.0.1', port }, variable: 'PUBLIC_LISTEN', cause });
      }
      const bound = server.address();
      return { address: `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}` };
    },
    async drain(graceMs) {
      steps.push(`drain ${graceMs}`);
      server.close();
    },
  };
}

export const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));
