// The server of cache.mjs, as a worker.
import { CachedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/cached';
import { answerParent } from '@rondo/harness';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

answerParent({
  /** Serves; gives the port. */
  async serve() {
    const content = Buffer.alloc(200, 7);
    const getEntry = ({ name }) => ({ name, content, part: { text: 'a part of the entry' } });
    const router = createRouter({ services: [standIn(CachedServiceDefinition, { getEntry })] });
    return (await serve(router, { listen: '127.0.0.1:0', tunnel: true })).port;
  },
  /** The processor time so far, in microseconds. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
