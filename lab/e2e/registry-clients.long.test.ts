/** Unmodified clients of ZooKeeper, Consul and Eureka: each finds and calls Rondo's instances, and Rondo's clients call what it registers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { eventually, type RunningProcess, root, runNode, start, startService } from '@rondo/harness';
import { consul as consulPlugin } from '@rondo/registry-consul';
import { eureka as eurekaPlugin } from '@rondo/registry-eureka';
import { zookeeper as zookeeperPlugin } from '@rondo/registry-zookeeper';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { openRegistry } from '@rondo/service/registration';
import { type ForeignRegistry, foreignKinds, JAVA, startJava } from './src/foreign-registry.js';
import { closings } from './src/foreign-system.js';

const SERVICE = CalculatorServiceDefinition.fullName;
const CLIENTS = join(root, 'lab/registries');
const python = (file: string) => (host: string, port: string) =>
  start(join(CLIENTS, '.build/python/bin/python'), [join(CLIENTS, file), host, port]);

type SetOut = (
  of: { readonly registry: ForeignRegistry; readonly peer: RunningProcess; readonly id: string },
  isOut: boolean,
) => unknown;

const inEureka: SetOut = async ({ registry: { address }, id }, isOut) => {
  const url = `http://${address}/eureka/apps/${SERVICE.toUpperCase()}/${id}/status`;
  const answer = await (isOut
    ? fetch(`${url}?value=OUT_OF_SERVICE`, { method: 'PUT' })
    : fetch(url, { method: 'DELETE' }));
  expect(answer.status).toBe(200);
};
const inConsul: SetOut = async ({ registry: { address }, id }, isOut) => {
  const url = `http://${address}/v1/agent/service/maintenance/${encodeURIComponent(id)}?enable=${isOut}`;
  expect((await fetch(url, { method: 'PUT' })).status).toBe(200);
};
const byItself: SetOut = ({ peer: { process } }, isOut) => process.stdin?.write(isOut ? 'out\n' : 'back\n');

interface Peer {
  readonly kind: string;
  /** What must be built for it. */
  readonly built: string;
  start(host: string, port: string): RunningProcess;
  /** Takes an instance out of service, or back. */
  readonly setOut: SetOut;
  /** The id of an entry of Rondo's. */
  idOf(instanceId: string): string;
}

const ofService = (instanceId: string) => `${instanceId}:${SERVICE}`;
const built = join(CLIENTS, '.build');
const eureka = { kind: 'Eureka', built, setOut: inEureka, idOf: ofService };
const PEERS: Readonly<Record<string, Peer>> = {
  'Curator 5': {
    kind: 'ZooKeeper',
    built: JAVA,
    setOut: byItself,
    idOf: (id) => id,
    start: (host, port) => startJava('CuratorPeer', `${host}:${port}`),
  },
  'python-consul': { kind: 'Consul', built, start: python('consul_peer.py'), setOut: inConsul, idOf: ofService },
  py_eureka_client: { ...eureka, start: python('eureka_peer.py') },
  'eureka-client': {
    ...eureka,
    start: (host, port) => start(process.execPath, [join(CLIENTS, 'eureka-peer.mjs'), host, port]),
  },
};

/** Starts the calculator at the registry. */
async function startOurs(instanceId: string, registry: ForeignRegistry) {
  const env = { RONDO_LEASE_TTL_MS: String(registry.ttlMs), RONDO_ZONE: 'eu/a' };
  const instance = await startService('calculator', { instanceId, registry: registry.url, env });
  closings.push(() => instance.stop());
  return instance;
}

/** Starts a peer, whose last line says what it sees. */
async function startPeer({ start: begin }: Peer, registry: ForeignRegistry) {
  const [host = '', port = ''] = registry.address.split(':');
  const peer = begin(host, port);
  closings.push(() => peer.stop('SIGKILL'));
  const sees = (...ids: readonly string[]) =>
    eventually(() => {
      if (peer.hasEnded) throw new Error(`it has ended: ${peer.output().stderr}`);
      const last = peer
        .output()
        .stdout.match(/^sees: .*$/gm)
        ?.at(-1);
      expect(
        last
          ?.replace(/^sees: /, '')
          .split(' ')
          .toSorted(),
      ).toEqual(ids.toSorted());
    });
  return { peer, sees };
}

describe.each(Object.entries(PEERS))('%s', (name, peerKind) => {
  const kind = foreignKinds.find((one) => one.name === peerKind.kind);
  const missing = kind?.missing ?? (existsSync(peerKind.built) ? undefined : `${peerKind.built} is missing`);
  if (missing !== undefined) process.stdout.write(`NOT TESTED: ${name}: ${missing}\n`);

  (missing === undefined ? it : it.skip)('and Rondo call each other, through kills and out of service', async () => {
    const registry = await kind?.start();
    if (registry === undefined) throw new Error(`there is no ${peerKind.kind}`);
    closings.push(() => registry.stop());
    const [a, b] = ['calculator-a', 'calculator-b'].map(peerKind.idOf) as [string, string];
    await startOurs('calculator-a', registry);
    const killed = await startOurs('calculator-b', registry);
    const { peer, sees } = await startPeer(peerKind, registry);
    await sees(a, b, 'peer-1');
    for (const id of [a, b]) await peer.printed(new RegExp(`^answer of ${id}: 5`, 'm'));
    if (peerKind.kind === 'ZooKeeper')
      await peer.printed(/^answer of calculator-a: 5 at grpc:.*\?zone=eu%2Fa&version=/m);

    const channel = createRegistryChannel({
      registry: await openRegistry(registry.url, [consulPlugin, eurekaPlugin, zookeeperPlugin]),
    });
    closings.push(async () => channel.close());
    const { add } = createClient(CalculatorServiceDefinition, { channel });
    /** The sums that calls of all instances give: 42 is the peer's. */
    const sums = async () =>
      new Set(await Promise.all(Array.from({ length: 20 }, async () => (await add({ a: 2n, b: 3n })).result)));
    const both = () => eventually(async () => expect(await sums()).toEqual(new Set([5n, 42n])));
    const oursAlone = () => eventually(async () => expect(await sums()).toEqual(new Set([5n])));
    await both();
    const { stdout } = await runNode([join(root, 'scripts/rondo.mjs'), 'ps'], {
      env: { RONDO_REGISTRY: registry.url },
    });
    expect(stdout).toMatch(/^peer-1 .*SERVING/m);

    await killed.stop('SIGKILL');
    await sees(a, 'peer-1');
    if (peerKind.kind !== 'ZooKeeper') {
      await peerKind.setOut({ registry, peer, id: a }, true);
      await sees('peer-1');
      await peerKind.setOut({ registry, peer, id: a }, false);
    }
    await startOurs('calculator-b', registry);
    await sees(a, b, 'peer-1');

    await peerKind.setOut({ registry, peer, id: 'peer-1' }, true);
    await oursAlone();
    await peerKind.setOut({ registry, peer, id: 'peer-1' }, false);
    await both();
    await peer.stop('SIGKILL');
    await oursAlone();
    await startPeer(peerKind, registry);
    await both();
  });
});
