/** The watchers, as a worker. They find the replicas by the registry, and reach them over TCP proxies that break. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { answerParent } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { grpcTransport } from '@rondo/rpc/internal';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { startWatcher } from './watcher.mjs';

const POLL_MS = 20;
const START_MS = 30_000;
/** A change that is sent twice may come late. */
const LATE_MS = 500;

let paths = [];
let channels = [];
let watchers = [];

answerParent({
  /** Resolves once each watcher has its snapshot. `replicas` are the addresses of all replicas, also of later ones. */
  async start({ registry, replicas, names, watchers: count, channels: parts, how }) {
    paths = await Promise.all(Array.from({ length: parts }, () => startPaths(replicas)));
    channels = paths.map((path) => channelOver(path, registry));
    const clients = channels.map((channel) => createClient(ProjectServiceDefinition, { channel }));
    watchers = Array.from({ length: count }, (_, index) => {
      const name = names[(index + Math.floor(index / parts)) % names.length];
      return startWatcher(clients[index % parts], { name, how });
    });
    await within(START_MS, Promise.all(watchers.map(({ begun }) => begun)));
  },
  /** Breaks all connections of the channel with this index. */
  cut: (index) => {
    for (const path of paths[index].values()) path.cut();
  },
  /** Waits until each watcher has received as many changes as its project had, and gives what each saw. */
  async finish({ expected, waitMs }) {
    const isBehind = ({ seen }) => seen.failure === undefined && seen.told.length < expected.get(seen.name);
    for (const lastAt = performance.now() + waitMs; performance.now() < lastAt && watchers.some(isBehind); ) {
      await sleep(POLL_MS);
    }
    await sleep(LATE_MS);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    for (const channel of channels) channel.close();
    await Promise.all(paths.flatMap((path) => [...path.values()].map((one) => one.close())));
    return watchers.map(({ seen }) => seen);
  },
});

async function startPaths(replicas) {
  return new Map(await Promise.all(replicas.map(async (target) => [target, await startTcpProxy({ target })])));
}

function channelOver(path, registry) {
  const transport = (address, known) => grpcTransport(path.get(address)?.address ?? address, known);
  return createRegistryChannel({ registry: [registry], transport });
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not every watcher had its snapshot within ${ms} ms`)), ms);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
