/** The service as a server under test: its own `main.js`, in a process of its own. */
import { fileURLToPath } from 'node:url';
import { startProcess } from './process.js';
import { serveSuite } from './server-under-test.js';

await serveSuite(({ maxRequestBytes }) =>
  startProcess({
    main: fileURLToPath(new URL('main.js', import.meta.url)),
    env: {
      // Nothing listens on port 1: the service registers nowhere, whatever else runs on this machine.
      RONDO_REGISTRY: '127.0.0.1:1',
      ...(maxRequestBytes !== undefined && { RONDO_MAX_REQUEST_BYTES: String(maxRequestBytes) }),
    },
    announced: 'listening on ',
  }),
);
