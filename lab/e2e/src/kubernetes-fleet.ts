import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createPool } from '@rondo/database';
import { eventually, root, start } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { parseAllDocuments } from 'yaml';
import { Api } from '../../kubernetes/api.js';
import { Kubelet } from '../../kubernetes/kubelet.js';
import { createNetwork, HOST, removeNetwork } from '../../kubernetes/network.js';
import type { Pod } from '../../kubernetes/objects.js';
import { Relay, ServiceProxy } from '../../kubernetes/service-proxy.js';
import { startControlPlane } from './control-plane.js';

/** Where the gateway's Service is. */
export const GATEWAY = '10.96.80.80';
/** Where the registry's Service is. */
export const REGISTRY = '10.96.80.50';
export const NAMESPACE = 'rondo';
const PODS = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=%21job-name`;
const STEP = { 'rondo/step': 'migration' };
const MIGRATION = ['-l', 'rondo/step=migration'];
export const SERVICES = ['calculator', 'project-management', 'sales', 'gateway'] as const;

/** What is deployed next to the overlay: lines of the ConfigMap of all services, and objects. */
export interface Deployed {
  readonly settings?: readonly string[];
  readonly objects?: readonly object[];
}

/** A cluster of three nodes, whose pods are processes of this machine. */
export type Cluster = Awaited<ReturnType<typeof startCluster>>;

/** Starts a cluster, and a PostgreSQL next to it. Only root may. */
export async function startCluster() {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-nodes-'));
  await createNetwork();
  const plane = await startControlPlane({ address: HOST, members: 3, controllers: true });
  const proxy = new ServiceProxy(plane.access);
  const api = new Api(plane.access);
  const database = await startDatabase();
  const nodes = new Map<string, Kubelet>();
  const images = join(folder, 'images');
  /** Waits until the rollout of a workload is complete. */
  const rolledOut = async (name: string, namespace = NAMESPACE) => {
    await plane.kubectlAsync(['-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=300s']);
  };
  const cluster = {
    ...plane,
    /** Makes the images of a workspace, whose names begin so. */
    makeImages: (workspace: string, prefix: string) => makeImages(workspace, join(images, prefix)),
    async startNode(name: string) {
      const node = new Kubelet({ access: plane.access, name, zone: name.slice(-1), folder, images });
      nodes.set(name, node);
      await node.start();
    },
    /** Ends a node and its pods at once. */
    loseNode: async (name: string) => nodes.get(name)?.lose(),
    /** Applies the development overlay after its Jobs have migrated, with two pods of each service and what is given, and waits until all are ready. */
    async deploy({ settings = [], objects = [] }: Deployed = {}) {
      const at = mkdtempSync(join(folder, 'overlay-'));
      const development = relative(at, join(root, 'infra/kubernetes/overlays/development'));
      writeFileSync(join(at, 'kustomization.yaml'), JSON.stringify(overlayOf(development, settings)));
      writeFileSync(
        join(at, 'more.yaml'),
        [database.slice, ...objects].map((one) => JSON.stringify(one)).join('\n---\n'),
      );
      // As the guide has it: first the Jobs that migrate.
      await plane.kubectlAsync(['-n', NAMESPACE, 'delete', 'job', ...MIGRATION, '--ignore-not-found']);
      await plane.kubectlAsync(['apply', '-k', at, ...MIGRATION]);
      const done = ['--for=condition=complete', '--timeout=300s'];
      await plane.kubectlAsync(['-n', NAMESPACE, 'wait', 'job', ...MIGRATION, ...done]);
      await plane.kubectlAsync(['apply', '-k', at]);
      const deployments = await plane.kubectlAsync(['-n', NAMESPACE, 'get', 'deployments', '-o', 'name']);
      for (const one of deployments.trim().split('\n')) await rolledOut(one.replace(/^.*\//, ''));
    },
    rolledOut,
    /** What a pod that has ended or runs has written. */
    logOf: ({ metadata: { name }, spec: { containers } }: Pod) =>
      readFileSync(join(folder, `${name}-${containers[0].name}.log`), 'utf8'),
    /** The pods of the namespace without those of Jobs. */
    pods: async () => (await api.call<{ items: Pod[] }>('GET', PODS)).items,
    async stop() {
      api.close();
      await Promise.all([...nodes.values()].map((node) => node.lose()));
      await proxy.close();
      await plane.stop();
      await database.stop();
      await removeNetwork();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const name of ['node-a', 'node-b', 'node-c']) await cluster.startNode(name);
  await eventually(() => plane.kubectl(['get', 'serviceaccount', 'default']));
  return cluster;
}

/** Copies what the images of a workspace have at /app, as its Dockerfile does. */
async function makeImages(workspace: string, prefix: string): Promise<void> {
  const { code, stderr } = await start(join(workspace, 'rondo'), ['bundle'], { cwd: workspace }).ended;
  if (code !== 0) throw new Error(`rondo bundle: ${stderr}`);
  const bundle = join(workspace, 'bundle');
  for (const service of readdirSync(bundle).filter((name) => name !== 'shared')) {
    for (const part of ['shared', service]) cpSync(join(bundle, part), `${prefix}-${service}`, { recursive: true });
  }
}

/** The development overlay over a PostgreSQL outside of the cluster: the one inside ends with its node. */
function overlayOf(development: string, settings: readonly string[]) {
  const gateway = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'gateway' }, spec: { clusterIP: GATEWAY } };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'postgres', labels: STEP },
    spec: { selector: null },
  };
  const database = { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'postgres' }, $patch: 'delete' };
  const literals = [`RONDO_GATEWAY_HOSTS=${GATEWAY}`, ...settings];
  return {
    namespace: NAMESPACE,
    resources: [development, 'more.yaml'],
    components: [join(development, '../../components/migrations')],
    replicas: SERVICES.map((name) => ({ name, count: 2 })),
    configMapGenerator: [{ name: 'rondo-settings', behavior: 'merge', literals }],
    patches: [gateway, service, database].map((patch) => ({ patch: JSON.stringify(patch) })),
  };
}

/** The registry over an etcd, as the guide has it: two pods behind a Service. */
export function registryOver(etcd: readonly string[]): Deployed {
  const labels = { 'app.kubernetes.io/name': 'registry', 'app.kubernetes.io/part-of': 'rondo' };
  const metadata = { name: 'registry', labels };
  const port = 50_050;
  const store = `etcd://${etcd.map((url) => new URL(url).host)}`;
  const env = { RONDO_LISTEN: `0.0.0.0:${port}`, RONDO_INSECURE: '1', RONDO_AUTH: 'off', RONDO_REGISTRY_STORE: store };
  const container = {
    name: 'registry',
    image: 'rondo-registry',
    readinessProbe: { grpc: { port }, periodSeconds: 2 },
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  const securityContext = { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } };
  const template = { metadata: { labels }, spec: { containers: [container], securityContext } };
  const selector = { matchLabels: labels };
  const deployment = { replicas: 2, strategy: { rollingUpdate: { maxUnavailable: 0 } }, selector, template };
  const budget = { selector, maxUnavailable: 1 };
  return {
    settings: [`RONDO_REGISTRY=registry:${port}`],
    objects: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: labels, ports: [{ port }], clusterIP: REGISTRY },
      },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: deployment },
      { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: budget },
    ],
  };
}

/** A PostgreSQL with the databases of the overlay, at the address that pods reach, and the manifest that says so. */
async function startDatabase() {
  const postgres = await startPostgres();
  const manifest = readFileSync(join(root, 'infra/kubernetes/overlays/development/postgres.yaml'), 'utf8');
  const scripts = parseAllDocuments(manifest).map((one) => one.toJS().data?.['databases.sql'] ?? '');
  const admin = createPool({ url: postgres.url, maxConnections: 1 });
  for (const statement of scripts.join('').split('\n').filter(Boolean)) await admin.query(statement);
  await admin.close();
  const relay = new Relay();
  const server = createServer((client) => relay.join(client, connect(postgres.port, '127.0.0.1')));
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { name: 'postgres-outside', labels: { ...STEP, 'kubernetes.io/service-name': 'postgres' } },
    ports: [{ name: '', port: typeof address === 'object' ? address?.port : 0 }],
    endpoints: [{ addresses: [HOST] }],
  };
  return {
    slice,
    async stop() {
      server.close();
      relay.close();
      await postgres.stop();
    },
  };
}
