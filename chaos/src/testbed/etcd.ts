import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { freePort, type RunningProcess, start, until } from '@rondo/harness';
import type { Testbed } from './testbed.js';

/** A cluster of etcd. */
export interface EtcdCluster {
  /** The value for `RONDO_REGISTRY_STORE`. */
  readonly store: string;
  /** Kills the leader, so that the other members have to elect one. */
  killLeader(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
}

const MEMBERS = ['etcd-1', 'etcd-2', 'etcd-3'];

/** Why no etcd can be started here; undefined if one can. */
export function etcdMissing(): string | undefined {
  const { status } = spawnSync('etcd', ['--version'], { stdio: 'ignore' });
  return status === 0
    ? undefined
    : 'there is no etcd on the PATH: install it (Debian: etcd-server) to run this scenario';
}

/** Starts three members, which end with the testbed. */
export async function startEtcd(testbed: Testbed): Promise<EtcdCluster> {
  const members: Member[] = [];
  for (const name of MEMBERS) {
    members.push({ name, client: `127.0.0.1:${await freePort()}`, peer: `127.0.0.1:${await freePort()}` });
  }
  const processes = members.map((member) => startMember(member, { members, folder: testbed.folder }));
  for (const process of processes) testbed.onClose(() => process.stop('SIGKILL'));
  await Promise.all(processes.map((process) => process.printed(/ready to serve client requests/)));
  return {
    store: `etcd://${members.map(({ client }) => client).join(',')}`,
    async killLeader() {
      const leads = () => processes.find((process) => / became leader at term /.test(process.output().stderr));
      const leader = await until(leads, { what: 'etcd has a leader' });
      await leader.stop('SIGKILL');
    },
  };
}

function startMember(
  { name, client, peer }: Member,
  { members, folder }: { readonly members: readonly Member[]; readonly folder: string },
): RunningProcess {
  const settings = {
    name,
    'data-dir': path.join(folder, name),
    'listen-client-urls': `http://${client}`,
    'advertise-client-urls': `http://${client}`,
    'listen-peer-urls': `http://${peer}`,
    'initial-advertise-peer-urls': `http://${peer}`,
    'initial-cluster': members.map((one) => `${one.name}=http://${one.peer}`).join(','),
  };
  return start(
    'etcd',
    Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
  );
}
