import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, type RunningProcess, root, start, startEtcd } from '@rondo/harness';

const PATRONI = join(root, 'lab/patroni/.build/python/bin/patroni');
const DEBIAN = '/usr/lib/postgresql';
const BINARIES = existsSync(DEBIAN) ? join(DEBIAN, readdirSync(DEBIAN).at(-1) ?? '', 'bin') : '';
const PASSWORD = 'patroni';
const OPEN_TO_THE_SERVER = 0o755;

const missing = [
  ...(existsSync(PATRONI) ? [] : ['Patroni (sh lab/patroni/build.sh)']),
  ...(existsSync(join(BINARIES, 'postgres')) ? [] : ['PostgreSQL (Debian: postgresql)']),
];
/** Why tests over a real Patroni can't run; undefined if they can. */
export const noPatroni = missing.length === 0 ? undefined : `there is no ${missing.join(' and no ')}`;

/** A member of a cluster: Patroni, which starts and ends a PostgreSQL. */
interface Member {
  readonly name: string;
  readonly rest: string;
  readonly postgres: string;
  process: RunningProcess;
  run(): RunningProcess;
}

/** Two PostgreSQL servers that Patroni runs, synchronous, with their leases in etcd. */
export type PatroniCluster = Awaited<ReturnType<typeof startPatroni>>;

/** Starts both with an etcd of one member. */
export async function startPatroni() {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-patroni-'));
  chmodSync(folder, OPEN_TO_THE_SERVER);
  const etcd = await startEtcd(join(folder, 'etcd'));
  const members: Member[] = [];
  for (const name of ['a', 'b']) members.push(await startMember(name, { folder, etcd: etcd.urls[0] ?? '' }));
  const byRole = async (role: string, state: string): Promise<Member> => {
    for (const member of members) {
      const { status } = await fetch(`http://${member.rest}/${role}`).catch(() => ({ status: 0 }));
      if (status === 200) return member;
    }
    throw new Error(`no member is ${state}`);
  };
  const primary = () => eventually(() => byRole('primary', 'the primary'));
  const untilSynchronous = async () => void (await eventually(() => byRole('synchronous', 'a synchronous standby')));
  const untilLeads = (former: Member) =>
    eventually(async () => {
      if ((await primary()) === former) throw new Error(`${former.name} still leads`);
    });
  await untilSynchronous();
  return {
    /** The superuser's address, with both hosts. */
    url: `postgres://postgres:${PASSWORD}@${members.map(({ postgres }) => postgres).join(',')}/postgres`,
    /** Resolves once there is a synchronous standby. */
    untilSynchronous,
    /** Makes the standby the primary, as an operator does. */
    async switchOver() {
      const [leader, standby] = [await primary(), await byRole('synchronous', 'a synchronous standby')];
      const body = JSON.stringify({ leader: leader.name, candidate: standby.name });
      const response = await fetch(`http://${leader.rest}/switchover`, { method: 'POST', body });
      if (!response.ok) throw new Error(`the switchover was refused: ${await response.text()}`);
      await untilLeads(leader);
    },
    /** Kills the primary and its Patroni; resolves once the standby was promoted, to what starts the killed member again. */
    async killPrimary() {
      const leader = await primary();
      const [postmaster = ''] = readFileSync(join(folder, leader.name, 'data/postmaster.pid'), 'utf8').split('\n');
      leader.process.signal('SIGKILL');
      process.kill(Number(postmaster), 'SIGKILL');
      await leader.process.ended;
      await untilLeads(leader);
      return () => {
        leader.process = leader.run();
      };
    },
    async stop() {
      await Promise.all(members.map((member) => member.process.stop()));
      await etcd.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Places {
  readonly folder: string;
  readonly etcd: string;
}

async function startMember(name: string, { folder, etcd }: Places): Promise<Member> {
  const home = join(folder, name);
  mkdirSync(home);
  const rest = `127.0.0.1:${await freePort()}`;
  const postgres = `127.0.0.1:${await freePort()}`;
  const file = join(home, 'patroni.yml'); // JSON is YAML
  writeFileSync(
    file,
    JSON.stringify(configurationOf(name, { home, rest, postgres, etcd: etcd.replace('http://', '') })),
  );
  const account = await accountOf(home);
  const run = () => start(account[0] ?? PATRONI, [...account.slice(1), ...(account.length > 0 ? [PATRONI] : []), file]);
  return { name, rest, postgres, process: run(), run };
}

/** PostgreSQL doesn't run as root: the command that runs another as the account of Debian's package. */
async function accountOf(home: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const { stdout } = await start('id', ['-u', 'postgres']).ended;
  const uid = Number(stdout);
  for (const path of [home, join(home, 'patroni.yml')]) chownSync(path, uid, -1 >>> 0);
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
}

interface Configured {
  readonly home: string;
  readonly rest: string;
  readonly postgres: string;
  readonly etcd: string;
}

/** The shortest times that Patroni takes: it promotes a standby 20 s after the primary's last sign of life. */
function configurationOf(name: string, { home, rest, postgres, etcd }: Configured) {
  const login = (username: string) => ({ username, password: PASSWORD });
  const parameters = { max_prepared_transactions: 64, max_connections: 100 };
  const dcs = { ttl: 20, loop_wait: 1, retry_timeout: 3, synchronous_mode: true };
  return {
    scope: 'rondo',
    name,
    restapi: { listen: rest, connect_address: rest },
    etcd3: { hosts: etcd },
    bootstrap: { dcs: { ...dcs, postgresql: { use_pg_rewind: true, parameters } }, initdb: ['data-checksums'] },
    postgresql: {
      listen: postgres,
      connect_address: postgres,
      data_dir: join(home, 'data'),
      bin_dir: BINARIES,
      pgpass: join(home, 'pgpass'),
      parameters: { unix_socket_directories: home },
      pg_hba: ['host all all 127.0.0.1/32 scram-sha-256', 'host replication all 127.0.0.1/32 scram-sha-256'],
      authentication: { superuser: login('postgres'), replication: login('replicator'), rewind: login('rewind') },
    },
  };
}
