import path from 'node:path';
import { eventually, freePort, startRegistry, startService } from '@rondo/harness';

/**
 * Starts a registry, the service of backend.mjs, and the gateway in front of it. Each is a process of its own. Resolves once
 * the gateway passes calls on.
 */
export async function startSystem({ folder, onClose }) {
  const logFile = (name) => path.join(folder, `${name}.log`);
  const registry = await startRegistry({ warmingMs: 0, logFile: logFile('registry') });
  onClose(() => registry.stop());
  const backend = await startService('backend', {
    main: 'lab/bench/gateway/backend.mjs',
    registry: registry.address,
    logFile: logFile('backend'),
  });
  onClose(() => backend.stop());
  const port = await freePort();
  const gateway = await startService('gateway', {
    registry: registry.address,
    logFile: logFile('gateway'),
    env: { RONDO_GATEWAY_LISTEN: `127.0.0.1:${port}` },
  });
  onClose(() => gateway.stop());
  await eventually(() => add(port));
  return {
    backend: backend.address,
    gateway: { pid: gateway.pid, port, address: `127.0.0.1:${port}` },
  };
}

async function add(port) {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}/add`, { method: 'POST', headers, body: '{"a":2,"b":3}' });
  const reply = await response.text();
  if (reply !== '{"result":5}') throw new Error(`the gateway answers ${response.status}: ${reply}`);
}
