import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { freePort, type RunningProcess, start, until } from '@rondo/harness';
import type { CertificateFiles } from '@rondo/harness/postgres';
import type { Testbed } from './testbed.js';

/** A cluster of etcd. */
export interface EtcdCluster {
  /** The variables by which a registry keeps its state there. */
  readonly variables: Readonly<Record<string, string>>;
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

/** Starts three members, which end with the testbed. With TLS they want a certificate of each client, and of each other. */
export async function startEtcd({ folder, certificates, ttlMs, onClose }: Testbed): Promise<EtcdCluster> {
  const members: Member[] = [];
  for (const name of MEMBERS) {
    members.push({ name, client: `127.0.0.1:${await freePort()}`, peer: `127.0.0.1:${await freePort()}` });
  }
  const own = certificates.filesOf('etcd');
  const processes = members.map((member) => startMember(member, { members, folder, own }));
  for (const process of processes) onClose(() => process.stop('SIGKILL'));
  await Promise.all(processes.map((process) => process.printed(/ready to serve client requests/)));
  const addresses = members.map(({ client }) => client).join(',');
  const files = certificates.filesOf('registry');
  const warming = `?warming-ms=${ttlMs}`;
  return {
    variables: {
      RONDO_REGISTRY_STORE:
        files === undefined ? `etcd://${addresses}${warming}` : `etcds://${addresses}${warming}&${filesOf(files)}`,
    },
    async killLeader() {
      const leads = () => processes.find((process) => / became leader at term /.test(process.output().stderr));
      const leader = await until(leads, { what: 'etcd has a leader' });
      await leader.stop('SIGKILL');
    },
  };
}

const filesOf = ({ cert, key, ca }: CertificateFiles) => `ca-file=${ca}&cert-file=${cert}&key-file=${key}`;

interface MemberOptions {
  readonly members: readonly Member[];
  readonly folder: string;
  /** Its certificate; undefined without TLS. */
  readonly own: CertificateFiles | undefined;
}

function startMember({ name, client, peer }: Member, { members, folder, own }: MemberOptions): RunningProcess {
  const scheme = own === undefined ? 'http' : 'https';
  const settings = {
    name,
    'data-dir': path.join(folder, name),
    'listen-client-urls': `${scheme}://${client}`,
    'advertise-client-urls': `${scheme}://${client}`,
    'listen-peer-urls': `${scheme}://${peer}`,
    'initial-advertise-peer-urls': `${scheme}://${peer}`,
    'initial-cluster': members.map((one) => `${one.name}=${scheme}://${one.peer}`).join(','),
    ...(own && memberTls(own)),
  };
  return start(
    'etcd',
    Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
  );
}

/** TLS towards clients and other members, each of which has to have a certificate. */
function memberTls({ cert, key, ca }: CertificateFiles): Readonly<Record<string, string | boolean>> {
  const of = (prefix: string) => ({
    [`${prefix}cert-file`]: cert,
    [`${prefix}key-file`]: key,
    [`${prefix}trusted-ca-file`]: ca,
    [`${prefix}client-cert-auth`]: true,
  });
  return { ...of(''), ...of('peer-') };
}
