/** The manifests run on Kubernetes' own controllers, with a kubelet of the laboratory's, under calls of all services. */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, root } from '@rondo/harness';
import { kubernetesResolver } from '@rondo/registry-kubernetes/resolver';
import { type Channel, createChannel, createRegistryChannel } from '@rondo/rpc/client';
import { discoveryFor, noControlPlane } from './src/control-plane.js';
import {
  type Cluster,
  GATEWAY,
  NAMESPACE,
  REGISTRY,
  registryOver,
  SERVICES,
  startCluster,
} from './src/kubernetes-fleet.js';
import { type Load, type Looked, startLoad } from './src/kubernetes-load.js';

/** How long the API server is away, and a minute at most while no client asks it: AWAY_SECONDS=30 for a try. */
const AWAY_MS = Number(process.env['AWAY_SECONDS'] ?? 300) * 1_000;
const canNetwork = process.getuid?.() === 0 && spawnSync('ip', ['-V']).error === undefined;
const why = canNetwork ? noControlPlane : 'it takes root and iproute2 to make network namespaces';

/** Those whose instances are seen by the trailer of a reply. */
const SERVED = ['calculator', 'project-management', 'sales'];

let cluster: Cluster;

(why === undefined ? describe : describe.skip)(`on Kubernetes ${why ?? ''}`, () => {
  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.makeImages(root, 'rondo');
  });
  afterAll(async () => {
    await cluster?.stop();
    // grpc-js doesn't give up a connection that it is making: those to addresses that are gone end by themselves.
    await eventually(() => expect(process.getActiveResourcesInfo()).not.toContain('ConnectWrap'));
  });

  describe.each([
    {
      discovery: 'EndpointSlices',
      doomed: 'node-c',
      spare: 'node-d',
      services: [...SERVICES],
      awayMs: AWAY_MS,
      more: () => ({}),
      connect: () => connectBySlices(),
    },
    {
      discovery: "Rondo's registry",
      doomed: 'node-a',
      spare: 'node-e',
      services: [...SERVICES, 'registry'],
      awayMs: Math.min(AWAY_MS, 60_000),
      more: () => registryOver(cluster.etcd.urls),
      connect: () => createRegistryChannel({ registry: [`${REGISTRY}:50050`] }),
    },
  ])('found by $discovery', ({ discovery, more, connect, doomed, spare, services, awayMs }) => {
    let channel: Channel;
    let load: Load;
    /** Calls that failed, though none should. A step that has some is failed at its end, so that it leaves the fleet as it was. */
    let broken: string[] = [];

    /** What was called meanwhile. No safe call has failed, and none at all if no instance has died. */
    const looked = (what: string, dead: readonly string[] = []): Looked => {
      const seen = load.look();
      const { answered, late, failures, plain } = seen;
      const sum = Object.values(plain.shares).reduce((total, count) => total + count, 0);
      process.stdout.write(
        `${discovery}, ${what}: ${answered} answered, ${late} late, ${failures.length} failed; ` +
          `plain grpc-js: ${sum} answered by ${Object.keys(plain.shares).length} pods, ${plain.failures.length} failed\n`,
      );
      const unexpected = failures
        .filter(({ isSafe, instances }) => isSafe || !instances.some((one) => dead.includes(one)))
        .map(({ text }) => text);
      process.stdout.write(
        unexpected
          .slice(0, 5)
          .map((text) => `  ${text}\n`)
          .join(''),
      );
      broken.push(...unexpected);
      expect(answered).toBeGreaterThan(0);
      return seen;
    };

    beforeAll(async () => {
      await cluster.deploy(more());
      channel = connect();
      const plain = await kubectl('get', 'service', 'calculator', '-o', 'jsonpath={.spec.clusterIP}');
      load = await startLoad({ channel, gateway: `${GATEWAY}:8080`, plain: `${plain}:50051` });
      for (const service of SERVED) await load.reaches(await pods(service));
      process.stdout.write(await kubectl('get', 'pods'));
      looked('at rest');
    });
    afterEach(() => {
      const found = broken;
      broken = [];
      expect(found).toEqual([]);
    });
    afterAll(async () => {
      await load?.end();
      channel?.close();
    });

    it('Jobs have migrated the databases, so that no pod has', async () => {
      const migrated = (await cluster.pods()).filter((pod) => cluster.logOf(pod).includes('applied migration'));
      expect(migrated.map(({ metadata: { name } }) => name)).toEqual([]);
    });

    it.each(services)('a rollout of %s fails no call', async (service) => {
      const before = await pods(service);
      await kubectl('rollout', 'restart', `deployment/${service}`);
      const after = await settled(service);
      expect(after.filter((pod) => before.includes(pod))).toEqual([]);
      if (SERVED.includes(service)) await load.reaches(after);
      looked(`${service} rolled out`);
    });

    it('ten pods share the calls of two, and two those of ten; plain grpc-js stays at one', async () => {
      await kubectl('scale', 'deployment/calculator', '--replicas=10');
      await load.reaches(await settled('calculator', 10));
      looked('scaled to 10');
      await sleep(5_000);
      const { shares, plain } = looked('ten for 5 s');
      process.stdout.write(`shares: Rondo ${describeShares(shares)}; plain grpc-js ${describeShares(plain.shares)}\n`);
      expect(Object.keys(shares)).toHaveLength(10);
      expect(Object.keys(plain.shares)).toHaveLength(1);
      await kubectl('scale', 'deployment/calculator', '--replicas=2');
      await load.reaches(await settled('calculator'));
      looked('scaled to 2');
    });

    it('a drained node fails no call', async () => {
      await kubectl('drain', 'node-b', '--delete-emptydir-data', '--timeout=240s');
      for (const service of services) await settled(service);
      await kubectl('uncordon', 'node-b');
      looked('node-b drained');
    });

    it('a node that is lost fails unsafe calls alone, of those that were at its pods', async () => {
      await spread(services);
      looked('spread over the nodes');
      const lost = (await cluster.pods()).filter(({ spec }) => spec.nodeName === doomed);
      const dead = lost.map(({ metadata: { name } }) => name);
      await cluster.loseNode(doomed);
      await eventually(async () => {
        const all = await cluster.pods();
        const others = all.filter(({ spec, metadata }) => spec.nodeName !== doomed && !metadata.deletionTimestamp);
        for (const service of services) {
          expect(others.filter(({ metadata: { name } }) => name.startsWith(service))).toHaveLength(2);
        }
        await sleep(200);
      });
      // As an operator does who knows that it won't come back: as long as its pods are there, the controllers look for it.
      await kubectl('delete', 'pod', '--force', ...dead);
      await kubectl('delete', 'node', doomed);
      await cluster.startNode(spare);
      for (const service of services) await settled(service);
      looked(`${doomed} lost`, dead);
    });

    it('an API server that is away fails no call', async () => {
      await cluster.kill();
      await sleep(awayMs);
      looked(`API server away for ${awayMs / 1_000} s`);
      await cluster.restart();
      for (const service of services) await settled(service);
      await sleep(10_000);
      looked('API server back');
    });

    it("etcd's leader that is killed fails no call", async () => {
      const restart = await cluster.etcd.killLeader();
      // What the controllers didn't get written meanwhile, they try again after some time: then the third pod is called.
      await kubectl('scale', 'deployment/calculator', '--replicas=3');
      await load.reaches(await settled('calculator', 3));
      restart();
      await kubectl('scale', 'deployment/calculator', '--replicas=2');
      await load.reaches(await settled('calculator'));
      looked("etcd's leader killed");
    });
  });
});

function connectBySlices(): Channel {
  cluster.kubectl(['apply', '-f', '-'], discoveryFor(NAMESPACE).replaceAll('rondo-discovery', 'lab-discovery'));
  return createChannel({ resolver: kubernetesResolver(cluster.registry(NAMESPACE)), healthCheck: true });
}

/** The names of the pods of a service, or of all, that don't end. */
async function pods(service = ''): Promise<string[]> {
  const all = await cluster.pods();
  return all.flatMap(({ metadata: { name, deletionTimestamp } }) =>
    name.startsWith(service) && deletionTimestamp === undefined ? [name] : [],
  );
}

/** Waits until a service has so many pods, with those that end, and gives them. */
async function settled(service: string, count = 2): Promise<string[]> {
  await cluster.rolledOut(service);
  await eventually(async () => {
    const all = await cluster.pods();
    expect(all.filter(({ metadata: { name } }) => name.startsWith(service))).toHaveLength(count);
    await sleep(200);
  });
  return pods(service);
}

/** Deletes a pod of each service whose pods share a node: the scheduler prefers to spread them, but nothing moves one that runs. */
async function spread(services: readonly string[]): Promise<void> {
  for (const service of services) {
    const of = (await cluster.pods()).filter(({ metadata: { name } }) => name.startsWith(service));
    const [first] = of;
    if (first === undefined || new Set(of.map(({ spec }) => spec.nodeName)).size > 1) continue;
    await kubectl('delete', 'pod', first.metadata.name);
    await settled(service);
  }
}

/** Runs kubectl in the namespace, while the calls go on. */
const kubectl = (...args: readonly string[]) => cluster.kubectlAsync(['-n', NAMESPACE, ...args]);

function describeShares(shares: Readonly<Record<string, number>>): string {
  const sum = Object.values(shares).reduce((total, count) => total + count, 0);
  return Object.values(shares)
    .map((count) => `${Math.round((100 * count) / sum)} %`)
    .join(', ');
}
