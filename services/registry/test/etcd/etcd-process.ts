import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no etcd can be started here; undefined if one can. */
export const noEtcd: string | undefined =
  spawnSync('etcd', ['--version']).error === undefined ? undefined : 'no etcd is installed (Debian: etcd-server)';

/** Prints which tests are skipped and why, because a report of many files doesn't name them. */
export function tellSkipped(what: string, missing: string | undefined): void {
  if (missing !== undefined) process.stdout.write(`SKIPPED: ${what}, as ${missing}\n`);
}

/** An etcd that a test has started. */
export interface EtcdProcess {
  /** `host:port`, for clients. */
  readonly address: string;
  /** Kills it with SIGKILL; its data stays. */
  kill(): Promise<void>;
  /** Starts it again with its data. */
  restart(): Promise<void>;
  /** Removes its data while it isn't running. */
  wipe(): void;
  /** Suspends it. */
  freeze(): void;
  thaw(): void;
  /** Kills it and removes its data. */
  close(): Promise<void>;
}

/** The options of an etcd. */
export interface EtcdProcessOptions {
  /** Arguments besides its addresses. */
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
}

interface MemberOptions extends EtcdProcessOptions {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
  readonly cluster: string;
}

/** Only a hang takes so long. */
const HANG_MS = 300_000;
const STARTED = /serving client (traffic|requests)/;

/** Starts a single etcd. */
export async function startEtcd(options: EtcdProcessOptions = {}): Promise<EtcdProcess> {
  const [member] = await startMembers(1, options);
  if (member === undefined) throw new Error('no etcd was started');
  return member;
}

/** Starts a cluster of three members. */
export function startEtcdCluster(options: EtcdProcessOptions = {}): Promise<readonly EtcdProcess[]> {
  return startMembers(3, options);
}

async function startMembers(count: number, options: EtcdProcessOptions): Promise<readonly EtcdProcess[]> {
  const ports = await freePorts(2 * count);
  const members = Array.from({ length: count }, (_, index) => {
    return { name: `etcd-${index}`, clientPort: ports[2 * index] ?? 0, peerPort: ports[2 * index + 1] ?? 0 };
  });
  const cluster = members.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',');
  return Promise.all(members.map((member) => startMember({ ...options, ...member, cluster })));
}

async function startMember(options: MemberOptions): Promise<EtcdProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-etcd-'));
  let child = await launch(folder, options);
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  return {
    address: `127.0.0.1:${options.clientPort}`,
    kill,
    async restart() {
      child = await launch(folder, options);
    },
    wipe: () => rmSync(folder, { recursive: true, force: true }),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the process, and resolves once it serves clients. */
async function launch(folder: string, options: MemberOptions): Promise<ChildProcess> {
  const { name, clientPort, peerPort, cluster, args = [], scheme = 'http' } = options;
  const clients = `${scheme}://127.0.0.1:${clientPort}`;
  const peers = `http://127.0.0.1:${peerPort}`;
  const where = [
    ...['--name', name, '--data-dir', folder],
    ...['--listen-client-urls', clients, '--advertise-client-urls', clients],
    ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
    ...['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--logger', 'zap'],
    // Only for tests: they don't need data that survives a crash of the machine.
    '--unsafe-no-fsync',
  ];
  const child = spawn('etcd', [...where, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  await serving(child);
  return child;
}

async function serving(child: ChildProcess): Promise<void> {
  let hang: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    let output = '';
    hang = setTimeout(() => reject(new Error(`etcd doesn't serve:\n${output.slice(-2000)}`)), HANG_MS);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`etcd ended with ${code}:\n${output.slice(-2000)}`)));
    child.stderr?.on('data', (chunk: Buffer) => {
      output = `${output}${chunk.toString()}`.slice(-100_000);
      if (STARTED.test(output)) resolve();
    });
  }).finally(() => clearTimeout(hang));
}

/** Finds free ports. All are held until the last is found. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
