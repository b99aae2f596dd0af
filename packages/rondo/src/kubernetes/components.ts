import { stringify } from 'yaml';
import {
  containerOf,
  databaseSecret,
  type KubernetesObject,
  labelsOf,
  metadataOf,
  objectsOf,
  PART_OF,
  podOf,
  SETTINGS,
} from './objects.js';
import type { Workload } from './workloads.js';

/** What an overlay may take beside the base. */
export interface Component {
  /** What it does and needs; begins with a capital letter. */
  readonly about: string;
  readonly resources?: readonly KubernetesObject[];
  /** What kustomize changes of the base's objects. */
  readonly changes?: KubernetesObject;
}

/** The components for the services of a workspace, by their folders. */
export function componentsOf(
  workloads: readonly Workload[],
  registry: Workload | undefined,
): Readonly<Record<string, Component>> {
  const databases = workloads.filter(({ database }) => database !== undefined);
  const processes = [...workloads, ...(registry === undefined ? [] : [registry])];
  return {
    ...(databases.length > 0 && {
      migrations: {
        ...{ about: MIGRATIONS, resources: databases.map(migrationOf) },
        changes: {
          patches: [{ target: { kind: 'Namespace|ServiceAccount|ConfigMap|Secret' }, patch: MIGRATION_STEP }],
        },
      },
      'secret-files': { about: SECRET_FILES, changes: { patches: databases.map(secretFileOf) } },
    }),
    ...(registry !== undefined && { registry: registryOverEtcd(registry) }),
    'tls-cert-manager': {
      about: CERT_MANAGER,
      resources: processes.map(certificateOf),
      changes: tls(processes.map(certificateVolume)),
    },
    'tls-spire': {
      about: SPIRE,
      resources: [HELPER_SETTINGS],
      changes: tls([patchOf('Deployment', undefined, SPIRE_PATCH)]),
    },
    'pod-monitor': { about: POD_MONITOR, resources: [MONITOR] },
    'autoscale-on-calls': { about: ON_CALLS, changes: { patches: [CALLS_PATCH] } },
  };
}

const patchOf = (kind: string, name: string | undefined, operations: readonly object[]) => ({
  target: { kind, ...(name === undefined ? { labelSelector: 'app.kubernetes.io/part-of=rondo' } : { name }) },
  patch: stringify(operations, { lineWidth: 0 }),
});
const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const POD = '/spec/template/spec';
const CONTAINER = `${POD}/containers/0`;
const merged = (...literals: readonly string[]) => ({
  configMapGenerator: [{ name: SETTINGS, behavior: 'merge', literals }],
});

const MIGRATIONS = `A Job for each service with a database, which migrates it before the new pods start. Without it the first new pod does, and
# the others wait for it. A Job can't change, so the one before is deleted first:
#   kubectl -n rondo delete job -l rondo/step=migration --ignore-not-found
#   kubectl apply -k OVERLAY -l rondo/step=migration
#   kubectl -n rondo wait --for=condition=complete --timeout=1h job -l rondo/step=migration
#   kubectl apply -k OVERLAY`;

const STEP = { 'rondo/step': 'migration' };
/** What the Jobs use, of the overlay: its ConfigMap has another name at each change. */
const MIGRATION_STEP = stringify({ apiVersion: 'v1', kind: 'any', metadata: { name: 'any', labels: STEP } });

function migrationOf(workload: Workload): KubernetesObject {
  const { name, labels } = metadataOf(`${workload.service}-migration`);
  const { env, ...container } = containerOf(workload, {});
  // It needs no certificate, and takes no calls: no Service selects its pod, and it is in no registry.
  const own = [
    { name: 'RONDO_TLS', value: 'off' },
    { name: 'RONDO_REGISTRY', value: 'kubernetes://' },
  ];
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name, labels: { ...labels, ...STEP } } },
    spec: {
      ...{ backoffLimit: 3, activeDeadlineSeconds: 3_600 },
      template: {
        metadata: { labels: { ...labelsOf(name), ...PART_OF } },
        spec: podOf(workload, {
          restartPolicy: 'Never',
          containers: [
            {
              ...container,
              args: ['node', '/app/dist/main.mjs', '--migrate'],
              env: [...(Array.isArray(env) ? env : []), ...own],
            },
          ],
        }),
      },
    },
  };
}

const SECRET_FILES = "The URLs of databases as files, so that they aren't in the environment of a process.";

function secretFileOf({ service }: Workload) {
  const container = {
    name: service,
    env: [
      { name: 'DATABASE_URL', $patch: 'delete' },
      { name: 'DATABASE_URL_FILE', value: '/var/run/database/url' },
    ],
    volumeMounts: [{ name: 'database', mountPath: '/var/run/database', readOnly: true }],
  };
  const volumes = [{ name: 'database', secret: { secretName: databaseSecret(service) } }];
  const patch = {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: service } },
    spec: { template: { spec: { containers: [container], volumes } } },
  };
  return { patch: stringify(patch) };
}

/** Rondo's registry in place of Kubernetes' own: two of them over an etcd that runs elsewhere. */
function registryOverEtcd(registry: Workload): Component {
  const url = { secretKeyRef: { name: 'registry-store', key: 'url' } };
  return {
    about: `Rondo's registry in place of EndpointSlices, for live settings, rondo ps and drain: two over an etcd that runs elsewhere.
#   kubectl -n rondo create secret generic registry-store --from-literal=url=etcd://etcd-1,etcd-2,etcd-3`,
    resources: objectsOf(registry),
    changes: {
      ...merged(`RONDO_REGISTRY=${registry.service}:${registry.port}`),
      patches: [
        patchOf('Deployment', registry.service, [
          add(`${CONTAINER}/env/-`, { name: 'RONDO_REGISTRY_STORE', valueFrom: url }),
        ]),
      ],
    },
  };
}

const UNVERIFIED = 'Its objects are of others and were not tried';
const CERTIFICATES = '/var/run/rondo';

/** Turns mutual TLS on. Kubelet's probes over gRPC don't speak it: the image's own check does. */
function tls(patches: readonly object[]): KubernetesObject {
  const check = { exec: { command: ['node', 'healthcheck.mjs'] }, periodSeconds: 5, timeoutSeconds: 5 };
  const all = [
    add(`${CONTAINER}/volumeMounts/-`, { name: 'certificate', mountPath: CERTIFICATES, readOnly: true }),
    add(`${CONTAINER}/startupProbe`, { tcpSocket: { port: 'grpc' }, periodSeconds: 1, failureThreshold: 60 }),
    add(`${CONTAINER}/readinessProbe`, { ...check, failureThreshold: 2 }),
    add(`${CONTAINER}/livenessProbe`, { tcpSocket: { port: 'grpc' }, periodSeconds: 10, failureThreshold: 6 }),
  ];
  return {
    ...merged('RONDO_TLS=on', `RONDO_TLS_DIR=${CERTIFICATES}`),
    patches: [...patches, patchOf('Deployment', undefined, all)],
  };
}

const volume = (source: object) => add(`${POD}/volumes/-`, { name: 'certificate', ...source });

const CERT_MANAGER = `Mutual TLS with certificates of cert-manager, by an issuer that is called rondo. ${UNVERIFIED}.
# An overlay changes the trust domain, example.org, in the URIs.`;

function certificateOf({ service }: Workload): KubernetesObject {
  return {
    ...{ apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: metadataOf(service) },
    spec: {
      ...{ secretName: `${service}-certificate`, duration: '24h', renewBefore: '8h' },
      ...{ uris: [`spiffe://example.org/${service}`], usages: ['server auth', 'client auth'] },
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      issuerRef: { name: 'rondo', kind: 'Issuer' },
    },
  };
}

const certificateVolume = ({ service }: Workload) =>
  patchOf('Deployment', service, [volume({ secret: { secretName: `${service}-certificate` } })]);

const SPIRE = `Mutual TLS with certificates of SPIRE, by its CSI driver and a spiffe-helper beside each process. ${UNVERIFIED}.
# SPIRE has to give a pod the id spiffe://DOMAIN/SERVICE, by the label app.kubernetes.io/name.`;

const HELPER_SETTINGS: KubernetesObject = {
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadataOf('spiffe-helper') },
  data: {
    'helper.conf': `agent_address = "/spiffe-workload-api/spire-agent.sock"
cert_dir = "${CERTIFICATES}"
svid_file_name = "svid.pem"
svid_key_file_name = "svid_key.pem"
svid_bundle_file_name = "bundle.pem"
`,
  },
};

const HELPER: KubernetesObject = {
  ...{ name: 'spiffe-helper', image: 'ghcr.io/spiffe/spiffe-helper:0.10.0', restartPolicy: 'Always' },
  args: ['-config', '/etc/spiffe-helper/helper.conf'],
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } },
  securityContext: {
    ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [
    { name: 'certificate', mountPath: CERTIFICATES },
    { name: 'spiffe-helper', mountPath: '/etc/spiffe-helper', readOnly: true },
    { name: 'spiffe-workload-api', mountPath: '/spiffe-workload-api', readOnly: true },
  ],
};

const SPIRE_PATCH: readonly object[] = [
  volume({ emptyDir: { medium: 'Memory' } }),
  add(`${POD}/volumes/-`, { name: 'spiffe-helper', configMap: { name: 'spiffe-helper' } }),
  add(`${POD}/volumes/-`, { name: 'spiffe-workload-api', csi: { driver: 'csi.spiffe.io', readOnly: true } }),
  add(`${POD}/initContainers`, [HELPER]),
];

const POD_MONITOR = `The metrics of each pod for the Prometheus operator: a PodMonitor, as Services don't have that port. ${UNVERIFIED}.`;

const MONITOR: KubernetesObject = {
  ...{ apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', metadata: metadataOf('rondo') },
  spec: { selector: { matchLabels: PART_OF }, podMetricsEndpoints: [{ port: 'metrics', interval: '15s' }] },
};

const ON_CALLS = `More pods, too, above 50 calls in flight at one, where an adapter gives rondo_admission_calls_in_flight, summed by pod, to
# custom.metrics.k8s.io. The adapter was not tried.`;

const CALLS_PATCH = patchOf('HorizontalPodAutoscaler', undefined, [
  add('/spec/metrics/-', {
    type: 'Pods',
    pods: {
      metric: { name: 'rondo_admission_calls_in_flight' },
      target: { type: 'AverageValue', averageValue: '50' },
    },
  }),
]);
