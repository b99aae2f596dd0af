/** The gateway as a server under test, in front of an instance that `RONDO_REGISTRY` knows of. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ConformanceServiceDefinition } from '@rondo/contracts/connectrpc/conformance/v1/service';
import { startProcess } from './process.js';
import { type ServerOptions, serveSuite } from './server-under-test.js';

const POLL_MS = 20;

const folder = mkdtempSync(join(tmpdir(), 'rondo-conformance-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
// The suite ends a server so. Without a listener, the folder would stay.
process.once('SIGTERM', () => process.exit());

await serveSuite(async ({ maxRequestBytes, credentials }) => {
  const port = await startProcess({
    main: fileURLToPath(new URL('../../gateway/dist/main.js', import.meta.url)),
    env: {
      RONDO_GATEWAY_LISTEN: '127.0.0.1:0',
      ...(maxRequestBytes !== undefined && { RONDO_MAX_REQUEST_BYTES: String(maxRequestBytes) }),
      ...toFiles(credentials),
    },
    announced: 'also listening on ',
  });
  while (!(await isServed(port, credentials))) await sleep(POLL_MS);
  return port;
});

function toFiles(credentials: ServerOptions['credentials']): Readonly<Record<string, string>> {
  if (credentials === undefined) return {};
  writeFileSync(join(folder, 'tls.crt'), credentials.cert);
  writeFileSync(join(folder, 'tls.key'), credentials.key);
  return { RONDO_GATEWAY_TLS_DIR: folder };
}

/** Whether the gateway knows the service by now. The suite gives up after a time. */
function isServed(port: number, credentials: ServerOptions['credentials']): Promise<boolean> {
  const asked = {
    port,
    host: '127.0.0.1',
    path: `/${ConformanceServiceDefinition.fullName}/${ConformanceServiceDefinition.methods.unary.name}`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const answered = ({ statusCode }: http.IncomingMessage) => resolve(statusCode === 200);
    const request = credentials
      ? https.request({ ...asked, ca: credentials.cert }, answered)
      : http.request(asked, answered);
    request.once('error', reject).end('{}');
  });
}
