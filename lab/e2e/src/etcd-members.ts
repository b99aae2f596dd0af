import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, freePort, type RunningProcess, start } from '@rondo/harness';

/** An etcd of one or several members. */
export interface EtcdMembers {
  /** The URLs of the members, for clients. */
  readonly urls: readonly string[];
  /** Kills the member that leads, and gives what starts it again. */
  killLeader(): Promise<() => void>;
  stop(): Promise<void>;
}

/** Starts an etcd with its data in a folder. Its members listen for clients at `address`, and for each other at the loopback. */
export async function startEtcd(folder: string, address: string, count: number): Promise<EtcdMembers> {
  mkdirSync(folder, { recursive: true });
  const peers = new Map<string, string>();
  for (let index = 0; index < count; index += 1) peers.set(`member-${index}`, `http://127.0.0.1:${await freePort()}`);
  const cluster = [...peers].map((peer) => peer.join('=')).join(',');
  const members: { readonly url: string; readonly run: () => RunningProcess; process: RunningProcess }[] = [];
  for (const [name, peer] of peers) {
    const url = `http://${address}:${await freePort()}`;
    const run = () =>
      start('etcd', [
        ...[`--name=${name}`, `--data-dir=${join(folder, name)}`, `--initial-cluster=${cluster}`],
        ...[`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
      ]);
    members.push({ url, run, process: run() });
  }
  return {
    urls: members.map(({ url }) => url),
    killLeader: () =>
      eventually(async () => {
        for (const member of members) {
          if (!(await isLeader(member.url))) continue;
          await member.process.stop('SIGKILL');
          return () => {
            member.process = member.run();
          };
        }
        throw new Error('no member leads');
      }),
    async stop() {
      await Promise.all(members.map(({ process }) => process.stop('SIGKILL')));
    },
  };
}

async function isLeader(url: string): Promise<boolean> {
  const response = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  const { header, leader }: { header: { member_id: string }; leader: string } = JSON.parse(await response.text());
  return header.member_id === leader;
}
