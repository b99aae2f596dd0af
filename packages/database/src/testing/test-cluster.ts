import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { types } from 'node:util';
import { backUp } from '../backup/back-up.js';
import { serverAccount } from '../embedded/binaries.js';
import { adoptCluster } from '../embedded/cluster.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/start.js';
import { copyEmptyCluster } from '../embedded/template.js';
import { createPool } from '../pool.js';
import { eventually, freePort } from './test-postgres.js';

const OPEN_TO_THE_SERVER = 0o755;
const CLOSED_TO_OTHERS = 0o700;
/** The data need not survive a power failure. */
const SETTINGS = { fsync: false, full_page_writes: false, wal_receiver_status_interval: 1 };

/** One server of a cluster. */
export interface ClusterMember {
  /** The superuser's address of this server alone. */
  readonly url: string;
  /** Stops all its processes, so that it answers nothing, and keeps its connections. */
  freeze(): void;
  /** Ends the freeze. */
  thaw(): void;
  /** Ends all its processes at once. */
  kill(): Promise<void>;
}

/** A primary and its standby, which follows by streaming replication. */
export interface TestCluster {
  readonly primary: ClusterMember;
  readonly standby: ClusterMember;
  /** The superuser's address with both hosts, the first primary first. */
  readonly url: string;
  /** Makes the standby a primary. */
  promote(): Promise<void>;
  /** Ends the former primary after a promotion: a copy of the promoted server takes its place and port, as the standby. */
  rejoin(): Promise<void>;
  /** Stops both servers and removes their data. */
  stop(): Promise<void>;
}

/** A server with its folder. */
interface Server extends EmbeddedPostgres {
  readonly directory: string;
}

/** Starts a primary with a standby. If it is synchronous, a commit waits until the standby has it. */
export async function startTestCluster({ synchronous }: { readonly synchronous: boolean }): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-test-cluster-'));
  chmodSync(folder, OPEN_TO_THE_SERVER); // as root the servers are another user
  const first = join(folder, 'a');
  mkdirSync(first);
  await copyEmptyCluster(first);
  const a = await startServer({ directory: first, port: await freePort() });
  const b = await followServer(a, { directory: join(folder, 'b'), port: await freePort() });
  if (synchronous) await requireStandby(a.url);
  const url = a.url.replace(`:${a.port}/`, `:${a.port},127.0.0.1:${b.port}/`);
  let [leader, follower] = [a, b];
  let [primary, standby] = [memberOf(a), memberOf(b)];
  return {
    get primary() {
      return primary;
    },
    get standby() {
      return standby;
    },
    url,
    promote: () => run(follower.url, 'SELECT pg_promote()'),
    async rejoin() {
      await primary.kill();
      rmSync(leader.directory, { recursive: true });
      [leader, follower] = [follower, await followServer(follower, leader)];
      [primary, standby] = [standby, memberOf(follower)];
      if (synchronous) await requireStandby(leader.url);
    },
    async stop() {
      await Promise.all([primary.kill(), standby.kill()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Place = Pick<Server, 'directory' | 'port'>;

async function startServer({ directory, port }: Place, settings = {}): Promise<Server> {
  const started = await startEmbeddedPostgres({ directory, port, settings: { ...SETTINGS, ...settings } });
  return { ...started, directory };
}

/** Starts a standby of a server. */
async function followServer(leader: Server, place: Place): Promise<Server> {
  await copyToStandby(leader.directory, place.directory, leader);
  return await startServer(place, { primary_conninfo: conninfo(leader.url) });
}

/** The base of a standby is a backup of the running primary. */
async function copyToStandby(from: string, to: string, { url }: EmbeddedPostgres): Promise<void> {
  const folder = join(to, '..', 'backup');
  const { folders } = await backUp({ directory: from, to: folder });
  await adoptCluster(to, serverAccount(), async (home) => {
    for (const one of ['data', ...folders]) mkdirSync(join(home, one), { recursive: true });
    cpSync(join(folder, 'data'), join(home, 'data'), { recursive: true });
    writeFileSync(join(home, 'password'), new URL(url).password);
    writeFileSync(join(home, 'data/standby.signal'), '');
    chmodSync(join(home, 'data'), CLOSED_TO_OTHERS);
  });
  rmSync(folder, { recursive: true });
}

const conninfo = (url: string): string => {
  const { port, password } = new URL(url);
  return `host=127.0.0.1 port=${port} user=postgres password=${password}`;
};

async function requireStandby(url: string): Promise<void> {
  await run(url, "ALTER SYSTEM SET synchronous_standby_names = '*'");
  await run(url, 'SELECT pg_reload_conf()');
  const sql = "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
  const isSynchronous = () =>
    run(url, sql).then(
      () => true,
      () => false,
    );
  await eventually('the standby is synchronous', isSynchronous);
}

async function run(url: string, sql: string): Promise<void> {
  const admin = createPool({ url, maxConnections: 1, connectTimeoutMs: 60_000, statementTimeoutMs: 60_000 });
  await admin.query(sql).finally(() => admin.close());
}

function memberOf({ url, pid, exited }: EmbeddedPostgres): ClusterMember {
  let hasExited = false;
  void exited.then(() => (hasExited = true));
  const signal = (name: NodeJS.Signals): void => {
    if (hasExited) return;
    // The postmaster first: it begins no further processes, and doesn't take a stopped one for a dead one.
    for (const member of [pid, ...childrenOf(pid)]) send(member, name);
  };
  return {
    url,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async kill() {
      signal('SIGKILL');
      await exited;
    },
  };
}

/** Each process of PostgreSQL has a session of its own, so no group has them all. */
function childrenOf(pid: number): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It may have ended meanwhile. Not instanceof: under jest, Node's own errors come from another realm.
    if (!types.isNativeError(error) || !('code' in error) || error.code !== 'ESRCH') throw error;
  }
}
