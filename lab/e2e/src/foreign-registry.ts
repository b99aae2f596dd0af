import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, freeBase, type RunningProcess, root, start } from '@rondo/harness';
import type { RegistryAdapter } from '@rondo/registries';
import type { ConformanceRegistry } from '@rondo/registries/testing';
import { consulRegistry } from '@rondo/registry-consul/registry';
import { eurekaRegistry } from '@rondo/registry-eureka/registry';
import { zookeeperRegistry } from '@rondo/registry-zookeeper/registry';
import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
import { startTcpProxy } from '@rondo/rpc/internal/testing';

/** A real registry of another kind, as a process of its own. */
export interface ForeignRegistry extends ConformanceRegistry {
  /** The URL of `RONDO_REGISTRY`. */
  readonly url: string;
  /** The same through a proxy at `address`. */
  urlAt(address: string): string;
  /** Its server, as `host:port`. */
  readonly address: string;
  /** Opens it at an address. */
  openAt(address: string): RegistryAdapter;
  stop(): Promise<void>;
}

/** A kind of registry, and how the laboratory runs one. */
export interface ForeignKind {
  readonly name: string;
  /** Why it can't be started here; undefined if it can. */
  readonly missing: string | undefined;
  /** `settings` are for its server, in place of the laboratory's. */
  start(settings?: readonly string[]): Promise<ForeignRegistry>;
}

interface Server {
  readonly name: string;
  readonly ttlMs: number;
  /** Runs the server at a port over a folder, which is empty at first. */
  run(port: number, folder: string, settings?: readonly string[]): RunningProcess;
  /** Rejects while it can't serve yet. */
  isReady(address: string): Promise<void>;
  urlAt(address: string): string;
  openAt(url: string): RegistryAdapter;
}

const ZOOKEEPER_JAR = '/usr/share/java/zookeeper.jar';
const hasJava = spawnSync('java', ['-version']).error === undefined;

const zookeeper: Server = {
  name: 'ZooKeeper',
  ttlMs: 4_000,
  run(port, folder) {
    const config = join(folder, 'zoo.cfg');
    const lines = ['tickTime=1000', `dataDir=${folder}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1'];
    writeFileSync(config, [...lines, 'admin.enableServer=false', 'maxClientCnxns=0', ''].join('\n'));
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    return start('java', ['-Xmx256m', '-cp', ZOOKEEPER_JAR, main, config]);
  },
  async isReady(address) {
    const adapter = zookeeper.openAt(zookeeper.urlAt(address));
    const nothing = Instance.fromPartial({ services: ['shop.v1.NoService'] });
    await adapter.renew(nothing, { ttlMs: 4_000, signal: AbortSignal.timeout(60_000) }).finally(() => adapter.close());
  },
  urlAt: (address) => `zookeeper://${address}/services`,
  openAt: (url) => zookeeperRegistry(url, { ttlMs: 4_000, clock, random }),
};

/** Where lab/consul/build.sh puts the agent. */
export const CONSUL = join(root, 'lab/consul/.build/consul');

const consul: Server = {
  name: 'Consul',
  ttlMs: 4_000,
  run: (port, folder) => runAgent(port, folder, { bootstrap_expect: 1, server: true }),
  isReady: async (address) => {
    const leader = await (await fetch(`http://${address}/v1/status/leader`)).text();
    if (!leader.includes(':')) throw new Error('no leader yet');
  },
  urlAt: (address) => `consul://${address}`,
  openAt: consulRegistry,
};

/** Runs an agent of Consul at a port and the three after it. */
function runAgent(port: number, folder: string, role: object): RunningProcess {
  const [server, serf_lan, serf_wan] = [port + 1, port + 2, port + 3];
  const ports = { http: port, dns: -1, grpc: -1, grpc_tls: -1, server, serf_lan, serf_wan };
  const limits = { http_max_conns_per_client: 1_000 };
  const config = { data_dir: folder, bind_addr: '127.0.0.1', ports, limits, ...role };
  writeFileSync(join(folder, 'agent.json'), JSON.stringify(config));
  return start(CONSUL, ['agent', `-config-file=${join(folder, 'agent.json')}`]);
}

/** Starts an agent on another node, which joins the one at `address`. */
export async function startSecondAgent(address: string): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const port = await freeBase();
  const folder = mkdtempSync(join(tmpdir(), 'rondo-registry-'));
  const first = Number(address.split(':')[1]);
  const agent = runAgent(port, folder, { node_name: 'second', retry_join: [`127.0.0.1:${first + 2}`] });
  await eventually(() => consul.isReady(`127.0.0.1:${port}`));
  const stop = async () => {
    await agent.stop('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { address: `127.0.0.1:${port}`, stop };
}

/** Where lab/java/build.sh puts what runs in Java. */
export const JAVA = join(root, 'lab/java/.build');
const JAVA_PATH = `${join(JAVA, 'classes')}:${join(JAVA, 'lib')}/*`;

/** Starts a class of lab/java. */
export const startJava = (main: string, ...args: readonly string[]): RunningProcess =>
  start('java', ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', JAVA_PATH, main, ...args], { input: true });

/** Runs a server of Eureka. Settings are Spring's. */
export function runEureka(port: number, settings: readonly string[]): RunningProcess {
  const own = [
    ...['server.address=127.0.0.1', `server.port=${port}`, 'eureka.instance.hostname=127.0.0.1'],
    ...['eureka.server.eviction-interval-timer-in-ms=500', 'eureka.server.use-read-only-response-cache=false'],
    ...['eureka.client.register-with-eureka=false', 'eureka.client.fetch-registry=false'],
    `eureka.client.service-url.defaultZone=http://127.0.0.1:${port}/eureka/`,
  ];
  return startJava('EurekaServer', ...[...own, ...settings].map((setting) => `--${setting}`));
}

const eureka: Server = {
  name: 'Eureka',
  ttlMs: 6_000,
  run: (port, _, settings = ['eureka.server.enable-self-preservation=false']) => runEureka(port, settings),
  isReady: async (address) => {
    const { status } = await fetch(`http://${address}/eureka/apps`);
    if (status !== 200) throw new Error(`HTTP ${status}`);
  },
  urlAt: (address) => `eureka://${address}`,
  openAt: (url) => eurekaRegistry(url, { clock }),
};

/** The kinds that Rondo knows. */
export const foreignKinds: readonly ForeignKind[] = [
  {
    name: zookeeper.name,
    missing:
      hasJava && existsSync(ZOOKEEPER_JAR) ? undefined : `${ZOOKEEPER_JAR}, of the package zookeeper, is missing`,
    start: () => startServer(zookeeper),
  },
  {
    name: consul.name,
    missing: existsSync(CONSUL) ? undefined : 'no agent is built (sh lab/consul/build.sh)',
    start: () => startServer(consul),
  },
  {
    name: eureka.name,
    missing: existsSync(JAVA) ? undefined : 'no server is built (sh lab/java/build.sh)',
    start: (settings) => startServer(eureka, settings),
  },
];

async function startServer(server: Server, settings?: readonly string[]): Promise<ForeignRegistry> {
  const port = await freeBase();
  const address = `127.0.0.1:${port}`;
  const closings: (() => Promise<void>)[] = [];
  let folder = mkdtempSync(join(tmpdir(), 'rondo-registry-'));
  let running: RunningProcess | undefined;
  const restart = async ({ empty }: { readonly empty: boolean }) => {
    if (empty) {
      rmSync(folder, { recursive: true, force: true });
      folder = mkdtempSync(join(tmpdir(), 'rondo-registry-'));
    }
    running = server.run(port, folder, settings);
    await eventually(() => server.isReady(address));
  };
  await restart({ empty: false });
  return {
    ttlMs: server.ttlMs,
    address,
    url: server.urlAt(address),
    urlAt: server.urlAt,
    openAt: (at) => server.openAt(server.urlAt(at)),
    async open() {
      const proxy = await startTcpProxy({ target: address });
      const adapter = server.openAt(server.urlAt(proxy.address));
      closings.push(async () => {
        proxy.cut();
        await Promise.all([adapter.close(), proxy.close()]);
      });
      return { adapter, cutOff: () => proxy.stall(), rejoin: () => proxy.resume() };
    },
    freeze: () => running?.signal('SIGSTOP'),
    thaw: () => running?.signal('SIGCONT'),
    kill: async () => void (await running?.stop('SIGKILL')),
    restart,
    async stop() {
      for (const close of closings) await close();
      await running?.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
