/** A registry, numbered servers of calculator.Calculator, and clients that count which of them answer. */
import path from 'node:path';
import { freePort, isAlive, root, runNode, start, startEtcd, startRegistry, startService } from '@rondo/harness';

const CLIENTS = {
  node: [process.execPath, path.join(root, 'lab/xds/node-client.mjs')],
  go: [path.join(root, '.rondo/xds/go-client')],
  python: [path.join(root, '.rondo/xds/python/bin/python'), path.join(root, 'lab/xds/python/client.py')],
  java: [
    'java',
    // A client that starts fast, and leaves the processor to the calls.
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-cp',
    ['classes', 'lib/*'].map((name) => path.join(root, 'lab/java/.build', name)).join(':'),
    'XdsClient',
  ],
  // It finds services at the registry itself.
  rondo: [process.execPath, path.join(root, 'lab/xds/rondo-client.mjs')],
};
/** Of clients that know nothing of Rondo. */
export const LANGUAGES = ['node', 'go', 'python', 'java'];
/** Servers that know nothing of Rondo. */
const SERVERS = {
  go: [path.join(root, '.rondo/xds/go-server')],
  python: [path.join(root, '.rondo/xds/python/bin/python'), path.join(root, 'lab/xds/python/server.py')],
};
const AGENT = [path.join(root, 'packages/rondo/dist/join.mjs'), 'join', '--service', 'calculator.Calculator'];

/**
 * Starts a system with three servers.
 *
 * @param {string} folder for the clients' bootstrap file, and for etcd
 * @param {{ warmingMs?: number, isPlain?: boolean, joined?: readonly string[], withEtcd?: boolean }} options
 *   `isPlain`: clients call the registry's port for xDS without TLS. `joined`: the languages of servers that `rondo join` starts instead.
 *   `withEtcd`: the registry's state is in an etcd of three members.
 */
export async function startSystem(folder, { warmingMs, isPlain = false, joined, withEtcd = false } = {}) {
  const servers = new Map();
  const xdsPort = await freePort();
  const etcd = withEtcd ? await startEtcd(path.join(folder, 'etcd'), { members: 3 }) : undefined;
  const members = etcd?.urls.map((url) => new URL(url).host).join(',');
  const env = {
    RONDO_REGISTRY_XDS_PORT: String(xdsPort),
    ...(members && { RONDO_REGISTRY_STORE: `etcd://${members}?warming-ms=10000` }),
  };
  let registry = await startRegistry({ warmingMs, env });
  const { address } = registry;
  const add = async (number, env = {}) => {
    const place = { main: 'lab/xds/numbered-server.mjs', registry: address, instanceId: `calculator-${number}` };
    servers.set(number, await startService('calculator', { ...place, env: { NUMBER: String(number), ...env } }));
  };
  const join = async (number, language = '', at = '127.0.0.1:0') => {
    const command = language === '' ? [] : ['--', ...SERVERS[language]];
    const agent = start(process.execPath, [...AGENT, '--address', at, ...command], {
      env: { RONDO_REGISTRY: address, RONDO_INSTANCE_ID: `joined-${number}`, NUMBER: String(number) },
    });
    const [, pid, listening] = language === '' ? [] : await agent.printed(/pid (\d+) at (\S+)/);
    const present = servers.get(number);
    servers.set(number, Object.assign(agent, { server: Number(pid ?? present?.server), address: listening ?? at }));
  };
  await Promise.all(
    joined?.map((language, index) => join(index + 1, language)) ?? [1, 2, 3].map((number) => add(number)),
  );
  const bootstrap = path.join(folder, 'xds.json');
  const from = isPlain ? `127.0.0.1:${xdsPort}` : address;
  const { code, stdout, stderr } = await runNode(['scripts/rondo.mjs', 'xds', 'bootstrap', '--registry', from]);
  if (code !== 0) throw new Error(stderr);
  return {
    address,
    servers,
    add,
    join,
    etcd,
    bootstrap: { file: bootstrap, text: stdout },
    stopRegistry: () => registry.stop(),
    startRegistry: async () => {
      registry = await startRegistry({ listen: address, warmingMs, env });
    },
    async stop() {
      // A server that was joined may be left of an agent that was killed, and hold the agent's output open.
      for (const { server } of servers.values()) if (isAlive(server)) process.kill(server, 'SIGKILL');
      await Promise.all([registry, ...servers.values(), ...(etcd ? [etcd] : [])].map((one) => one.stop('SIGKILL')));
    },
  };
}

/**
 * Starts a client of a language, which calls at a rate. `counts` has how often each server answered, and each failure, since `reset`.
 *
 * @param {{ language: string, file: string, rate: number, target?: string }} options for Rondo's client `target` is the registry.
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
