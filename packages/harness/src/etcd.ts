import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './ports.js';
import type { CertificateFiles } from './postgres.js';
import { type RunningProcess, start } from './process.js';
import { until } from './wait.js';

/** An etcd of one or several members. */
export interface Etcd {
  /** The URLs of the members, for clients. */
  readonly urls: readonly string[];
  /** Kills the member that leads, and gives what starts it again. */
  killLeader(): Promise<() => void>;
  stop(): Promise<void>;
}

/** How an etcd is started. */
export interface EtcdOptions {
  /** Where its members listen for clients; by default the loopback. They talk to each other there. */
  readonly host?: string;
  /** How many members it has; by default one. */
  readonly members?: number;
  /** The certificate of its members, if each connection is to have mutual TLS. */
  readonly tls?: CertificateFiles | undefined;
}

/** Why no etcd can be started here; undefined if one can. */
export function etcdMissing(): string | undefined {
  const { error } = spawnSync('etcd', ['--version']);
  return error === undefined ? undefined : 'there is no etcd on the PATH: install it (Debian: etcd-server)';
}

/** Starts an etcd with its data in `folder`. Resolves when each member serves clients. It ends with this process. */
export async function startEtcd(
  folder: string,
  { host = '127.0.0.1', members: count = 1, tls }: EtcdOptions = {},
): Promise<Etcd> {
  mkdirSync(folder, { recursive: true });
  const scheme = tls === undefined ? 'http' : 'https';
  const peers = new Map<string, string>();
  for (let number = 1; number <= count; number += 1)
    peers.set(`etcd-${number}`, `${scheme}://127.0.0.1:${await freePort()}`);
  const cluster = [...peers].map((peer) => peer.join('=')).join(',');
  const members: { readonly url: string; readonly run: () => RunningProcess; process: RunningProcess }[] = [];
  for (const [name, peer] of peers) {
    const url = `${scheme}://${host}:${await freePort()}`;
    const run = () =>
      start('etcd', [
        ...[`--name=${name}`, `--data-dir=${join(folder, name)}`, `--initial-cluster=${cluster}`],
        ...[`--listen-client-urls=${url}`, `--advertise-client-urls=${url}`],
        ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
        ...(tls === undefined ? [] : ['', 'peer-'].flatMap((prefix) => tlsOf(tls, prefix))),
      ]);
    members.push({ url, run, process: run() });
  }
  await Promise.all(members.map(({ process }) => process.printed(/ready to serve client requests/)));
  return {
    urls: members.map(({ url }) => url),
    async killLeader() {
      const leads = () => members.find(({ process }) => roleIn(process.output().stderr) === 'leader');
      const leader = await until(leads, { what: 'a member of etcd leads' });
      await leader.process.stop('SIGKILL');
      return () => {
        leader.process = leader.run();
      };
    },
    async stop() {
      await Promise.all(members.map(({ process }) => process.stop('SIGKILL')));
    },
  };
}

/** TLS towards clients or, by `prefix`, other members: each of them has to have a certificate. */
const tlsOf = ({ cert, key, ca }: CertificateFiles, prefix: string) => [
  ...[`--${prefix}cert-file=${cert}`, `--${prefix}key-file=${key}`],
  ...[`--${prefix}trusted-ca-file=${ca}`, `--${prefix}client-cert-auth`],
];

/** What a member has become last, by its log. */
const roleIn = (log: string) => [...log.matchAll(/ became (leader|follower|\S*candidate) at term /g)].at(-1)?.[1];
