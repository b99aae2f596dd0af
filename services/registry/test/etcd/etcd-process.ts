import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, start } from '@rondo/harness';

/** Why no etcd can be started here; undefined if one can. */
export const noEtcd: string | undefined =
  spawnSync('etcd', ['--version']).error === undefined ? undefined : 'no etcd is installed (Debian: etcd-server)';

/** Prints which tests are skipped and why, because a report of many files doesn't name them. */
export function tellSkipped(what: string, missing: string | undefined): void {
  if (missing !== undefined) process.stdout.write(`SKIPPED: ${what}, as ${missing}\n`);
}

/** An etcd that a test has started. */
export type EtcdProcess = Awaited<ReturnType<typeof startMember>>;

/** The options of an etcd. */
interface EtcdProcessOptions {
  /** Arguments after its addresses. */
  readonly args?: readonly string[];
  readonly scheme?: 'http' | 'https';
}

interface MemberOptions extends EtcdProcessOptions {
  readonly name: string;
  readonly peers: string;
  readonly cluster: string;
}

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
  const members: { readonly name: string; readonly peers: string }[] = [];
  for (let index = 0; index < count; index += 1)
    members.push({ name: `etcd-${index}`, peers: `http://127.0.0.1:${await freePort()}` });
  const cluster = members.map(({ name, peers }) => `${name}=${peers}`).join(',');
  return Promise.all(members.map((member) => startMember({ ...options, ...member, cluster })));
}

/** Starts a member, and resolves once it serves clients. */
async function startMember({ name, peers, cluster, args = [], scheme = 'http' }: MemberOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-etcd-'));
  const address = `127.0.0.1:${await freePort()}`;
  const run = async () => {
    const member = start('etcd', [
      ...['--name', name, '--data-dir', folder],
      ...['--listen-client-urls', `${scheme}://${address}`, '--advertise-client-urls', `${scheme}://${address}`],
      ...['--listen-peer-urls', peers, '--initial-advertise-peer-urls', peers],
      ...['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--logger', 'zap'],
      // Only for tests: they don't need data that survives a crash of the machine.
      ...['--unsafe-no-fsync', ...args],
    ]);
    await member.printed(/serving client (traffic|requests)/);
    return member;
  };
  let member = await run();
  const wipe = () => rmSync(folder, { recursive: true, force: true });
  return {
    /** `host:port`, for clients. */
    address,
    /** Its data stays. */
    kill: () => member.stop('SIGKILL'),
    /** Starts it again with its data. */
    async restart() {
      member = await run();
    },
    /** Removes its data while it isn't running. */
    wipe,
    freeze: () => member.signal('SIGSTOP'),
    thaw: () => member.signal('SIGCONT'),
    /** Kills it and removes its data. */
    async close() {
      await member.stop('SIGKILL');
      wipe();
    },
  };
}
