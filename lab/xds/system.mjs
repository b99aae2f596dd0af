/** A registry, numbered servers of calculator.Calculator, and clients that count which of them answer. */
import path from 'node:path';
import { freePort, root, runNode, start, startRegistry, startService } from '@rondo/harness';

const CLIENTS = {
  node: [process.execPath, path.join(root, 'lab/xds/node-client.mjs')],
  go: [path.join(root, '.rondo/xds/go-client')],
  python: [path.join(root, '.rondo/xds/python/bin/python'), path.join(root, 'lab/xds/python/client.py')],
  java: [
    'java',
    '-cp',
    ['classes', 'lib/*'].map((name) => path.join(root, 'lab/java/.build', name)).join(':'),
    'XdsClient',
  ],
};
export const LANGUAGES = Object.keys(CLIENTS);

/**
 * Starts a system with three servers.
 *
 * @param {string} folder for the clients' bootstrap file
 * @param {{ warmingMs?: number, isPlain?: boolean }} options `isPlain`: clients call the registry's port for xDS without TLS.
 */
export async function startSystem(folder, { warmingMs, isPlain = false } = {}) {
  const servers = new Map();
  const xdsPort = await freePort();
  const env = { RONDO_REGISTRY_XDS_PORT: String(xdsPort) };
  let registry = await startRegistry({ warmingMs, env });
  const { address } = registry;
  const add = async (number, env = {}) => {
    const main = 'lab/xds/numbered-server.mjs';
    const instanceId = `calculator-${number}`;
    servers.set(
      number,
      await startService('calculator', {
        main,
        instanceId,
        registry: address,
        env: { NUMBER: String(number), ...env },
      }),
    );
  };
  await Promise.all([1, 2, 3].map((number) => add(number)));
  const bootstrap = path.join(folder, 'xds.json');
  const { code, stdout, stderr } = await runNode([
    path.join(root, 'scripts/rondo.mjs'),
    'xds',
    'bootstrap',
    '--registry',
    isPlain ? `127.0.0.1:${xdsPort}` : address,
  ]);
  if (code !== 0) throw new Error(stderr);
  return {
    address,
    servers,
    add,
    bootstrap: { file: bootstrap, text: stdout },
    stopRegistry: () => registry.stop(),
    startRegistry: async () => {
      registry = await startRegistry({ listen: address, warmingMs, env });
    },
    stop: () => Promise.all([registry, ...servers.values()].map((process) => process.stop('SIGKILL'))),
  };
}

/**
 * Starts a client of a language, which calls at a rate. `counts` has how often each server answered, and each failure, since `reset`.
 *
 * @param {{ language: string, file: string, rate: number, target?: string }} options
 */
export function startClient({ language, file, rate, target = 'xds:///calculator.Calculator' }) {
  const [command = '', ...args] = CLIENTS[language];
  const process = start(command, [...args, target, String(rate)], { env: { GRPC_XDS_BOOTSTRAP: file } });
  let counts = new Map();
  process.onLine((line) => {
    for (const [answer, count] of Object.entries(JSON.parse(line)))
      counts.set(answer, (counts.get(answer) ?? 0) + count);
  });
  return {
    process,
    get counts() {
      return counts;
    },
    reset() {
      counts = new Map();
    },
  };
}
