import { stringify } from 'yaml';
import { componentsOf } from './components.js';
import { databaseSecret, discoveryRole, type KubernetesObject, objectsOf, SETTINGS, settings } from './objects.js';
import type { Workload } from './workloads.js';

/** Begins each file that is written anew each time. */
export const MARK = '# rondo kubernetes wrote this file, and writes it anew: change it by an overlay.\n';
/** The folder of the objects that follow from the services. */
export const BASE = 'infra/kubernetes/base';
/** The folder of what an overlay may take beside the base. */
export const COMPONENTS = 'infra/kubernetes/components';
const OVERLAYS = 'infra/kubernetes/overlays';

/** The files below {@link BASE}, by their names. */
export function baseFiles(workloads: readonly Workload[]): ReadonlyMap<string, string> {
  const services = workloads.map((workload) => [`${workload.service}.yaml`, documents(objectsOf(workload))] as const);
  const resources = ['discovery.yaml', ...services.map(([name]) => name)];
  const literals = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const kustomization = { ...KUSTOMIZATION, resources, configMapGenerator: [{ name: SETTINGS, literals }] };
  return new Map([
    ['kustomization.yaml', documents([kustomization])],
    ['discovery.yaml', documents(discoveryRole(workloads))],
    ...services,
  ]);
}

/** The files below {@link COMPONENTS}, by their names. */
export function componentFiles(
  workloads: readonly Workload[],
  registry: Workload | undefined,
): ReadonlyMap<string, string> {
  const components = Object.entries(componentsOf(workloads, registry));
  return new Map(
    components.flatMap(([name, { about, resources = [], changes = {} }]) => {
      const isOne = resources.length > 0;
      const kustomization = { ...COMPONENT, ...(isOne && { resources: ['objects.yaml'] }), ...changes };
      const files = [[`${name}/kustomization.yaml`, `${MARK}# ${about}\n${plain([kustomization])}`] as const];
      return isOne ? [...files, [`${name}/objects.yaml`, documents(resources)] as const] : files;
    }),
  );
}

/** Overlays to begin with, by their paths. They are yours once they are there. */
export function overlayFiles(workloads: readonly Workload[]): ReadonlyMap<string, string> {
  const databases = workloads.filter(({ database }) => database !== undefined);
  return new Map([
    [`${OVERLAYS}/development/kustomization.yaml`, developmentOverlay(workloads, databases)],
    [`${OVERLAYS}/development/namespace.yaml`, plain([namespace()])],
    ...(databases.length === 0 ? [] : [[`${OVERLAYS}/development/postgres.yaml`, plain(postgres(databases))] as const]),
    [`${OVERLAYS}/production/kustomization.yaml`, productionOverlay(workloads, databases)],
    [`${OVERLAYS}/production/namespace.yaml`, plain([namespace()])],
  ]);
}

const KUSTOMIZATION = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
const COMPONENT = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' };
const NAMESPACE = 'rondo';
const PASSWORD = 'rondo';

const plain = (objects: readonly KubernetesObject[]): string =>
  objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');

const documents = (objects: readonly KubernetesObject[]): string => MARK + plain(objects);

/** Pods that would have more rights than a service needs are refused. */
function namespace(): KubernetesObject {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE, labels } };
}

function developmentOverlay(workloads: readonly Workload[], databases: readonly Workload[]): string {
  const urls = databases.map(({ service, database = '' }) => ({
    name: databaseSecret(service),
    literals: [`url=postgres://${database}:${PASSWORD}@postgres:5432/${database}`],
  }));
  const fewer = { op: 'replace', path: '/spec/minReplicas', value: 1 };
  return `# Everything inside, for a cluster on one machine: kubectl apply -k ${OVERLAYS}/development\n${plain([
    {
      ...{ ...KUSTOMIZATION, namespace: NAMESPACE },
      resources: ['namespace.yaml', '../../base', ...(databases.length === 0 ? [] : ['postgres.yaml'])],
      ...hosts(workloads, 'localhost,127.0.0.1,gateway'),
      ...(urls.length > 0 && { secretGenerator: urls }),
      patches: [{ target: { kind: 'HorizontalPodAutoscaler' }, patch: stringify([fewer]) }],
    },
  ])}`;
}

function productionOverlay(workloads: readonly Workload[], databases: readonly Workload[]): string {
  const secrets = databases.map(
    ({ service }) =>
      `#   kubectl -n ${NAMESPACE} create secret generic ${databaseSecret(service)} --from-literal=url=postgres://…\n`,
  );
  const needs =
    secrets.length === 0
      ? ''
      : `# PostgreSQL is outside. Each service reads the URL of its database:\n${secrets.join('')}`;
  return `# kubectl apply -k ${OVERLAYS}/production\n${needs}${plain([
    {
      ...{ ...KUSTOMIZATION, namespace: NAMESPACE },
      resources: ['namespace.yaml', '../../base'],
      ...hosts(workloads, 'api.example.com'),
      images: workloads.map(({ image }) => ({
        name: image,
        newName: `registry.example.com/${image}`,
        newTag: '0.1.0',
      })),
    },
  ])}`;
}

/** The hosts that requests may name: those of the gateway, if there is one. */
function hosts(workloads: readonly Workload[], names: string) {
  if (!workloads.some(({ service }) => service === 'gateway')) return {};
  const literals = [`RONDO_GATEWAY_HOSTS=${names}`];
  return { configMapGenerator: [{ name: SETTINGS, behavior: 'merge', literals }] };
}

/** One PostgreSQL, and the databases and roles of the services. Its data is gone with its pod. */
function postgres(databases: readonly Workload[]): readonly KubernetesObject[] {
  const labels = { 'app.kubernetes.io/name': 'postgres' };
  const scripts = databases.map(
    ({ database }) =>
      `CREATE ROLE ${database} LOGIN PASSWORD '${PASSWORD}';\nCREATE DATABASE ${database} OWNER ${database};\n`,
  );
  const container = {
    ...{ name: 'postgres', image: 'postgres:18-bookworm', args: ['-c', 'max_prepared_transactions=64'] },
    ports: [{ containerPort: 5432 }],
    env: [
      { name: 'POSTGRES_PASSWORD', value: PASSWORD },
      { name: 'PGDATA', value: '/var/lib/postgresql/18/docker' },
    ],
    readinessProbe: { exec: { command: ['pg_isready', '-h', '127.0.0.1', '-U', 'postgres'] }, periodSeconds: 2 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'data', mountPath: '/var/lib/postgresql' },
      { name: 'databases', mountPath: '/docker-entrypoint-initdb.d' },
    ],
  };
  return [
    {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'postgres' } },
      spec: { selector: labels, ports: [{ port: 5432 }] },
    },
    {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'postgres-databases' } },
      data: { 'databases.sql': scripts.join('') },
    },
    {
      ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'postgres' } },
      spec: {
        ...{ serviceName: 'postgres', selector: { matchLabels: labels } },
        template: {
          metadata: { labels },
          spec: {
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 999,
              fsGroup: 999,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [container],
            volumes: [
              { name: 'data', emptyDir: {} },
              { name: 'databases', configMap: { name: 'postgres-databases' } },
            ],
          },
        },
      },
    },
  ];
}
