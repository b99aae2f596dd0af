import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { until } from '../time.js';
import { freePort } from './ports.js';
import { type Program, startProgram } from './program.js';
import type { Scene } from './scene.js';

/** A cluster of etcd. */
export interface EtcdCluster {
  /** What `RONDO_REGISTRY_STORE` is to be. */
  readonly store: string;
  /** Kills the member that leads, so that the others have to elect one. */
  killLeader(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
}

const MEMBERS = ['etcd-1', 'etcd-2', 'etcd-3'];
const START_TIMEOUT_MS = 20_000;

/** Why no etcd can be started here; undefined where one can. */
export function etcdMissing(): string | undefined {
  const { status } = spawnSync('etcd', ['--version'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'there is no etcd on the PATH: install it (Debian: etcd-server) to run this row';
}

/** Starts three members, which end with the scene. */
export async function startEtcd(scene: Scene): Promise<EtcdCluster> {
  const members: Member[] = [];
  for (const name of MEMBERS) {
    members.push({ name, client: `127.0.0.1:${await freePort()}`, peer: `127.0.0.1:${await freePort()}` });
  }
  const programs = members.map((member) => startMember(member, { members, folder: scene.folder }));
  for (const program of programs) scene.onClose(() => program.end('SIGKILL'));
  await Promise.all(programs.map((program) => program.printed(/ready to serve client requests/)));
  return {
    store: `etcd://${members.map(({ client }) => client).join(',')}`,
    async killLeader() {
      const leads = () => programs.find((program) => / became leader at term /.test(program.output()));
      const leader = await until(leads, { what: 'etcd has a leader', timeoutMs: START_TIMEOUT_MS });
      await leader.end('SIGKILL');
    },
  };
}

function startMember(
  { name, client, peer }: Member,
  { members, folder }: { readonly members: readonly Member[]; readonly folder: string },
): Program {
  const settings = {
    name,
    'data-dir': path.join(folder, name),
    'listen-client-urls': `http://${client}`,
    'advertise-client-urls': `http://${client}`,
    'listen-peer-urls': `http://${peer}`,
    'initial-advertise-peer-urls': `http://${peer}`,
    'initial-cluster': members.map((one) => `${one.name}=http://${one.peer}`).join(','),
  };
  const args = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
  return startProgram({ name, command: 'etcd', args });
}
