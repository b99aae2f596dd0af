import type { Workload } from './workloads.js';

/** An object of Kubernetes, as YAML has it. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

/** The label of all pods of the system. */
export const PART_OF = { 'app.kubernetes.io/part-of': 'rondo' } as const;
/** The map with what all services have in common: their processes read it as their environment. */
export const SETTINGS = 'rondo-settings';
/** Where each process serves its metrics. */
export const METRICS_PORT = 9464;
/** A service of the process's health that serves as long as the process does: one that waits for its database isn't restarted. */
const LIVENESS = 'grpc.health.v1.Health';
const LEAST_REPLICAS = 2;
const MOST_REPLICAS = 10;
/** The drain's wait, its grace and the time to release what it holds. */
const TERMINATION_SECONDS = 30;

export const labelsOf = (service: string) => ({ 'app.kubernetes.io/name': service });
export const metadataOf = (name: string) => ({ name, labels: { ...labelsOf(name), ...PART_OF } });

/** All objects of a service. */
export function objectsOf(workload: Workload): readonly KubernetesObject[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadataOf(workload.service) },
    serviceOf(workload),
    deploymentOf(workload),
    disruptionBudgetOf(workload),
    autoscalerOf(workload),
    networkPolicyOf(workload),
  ];
}

/** What all services have in common. A pod that ends takes calls for 3 s, so that every watcher of EndpointSlices knows first. */
export const settings: Readonly<Record<string, string>> = {
  RONDO_REGISTRY: 'kubernetes://',
  RONDO_METRICS: `0.0.0.0:${METRICS_PORT}`,
  RONDO_DRAIN_WAIT_MS: '3000',
  // The services listen on every interface of their pods, without TLS: the network policies say who reaches them.
  RONDO_INSECURE: '1',
};

/** The right to find instances, for the accounts of all services. */
export function discoveryRole(workloads: readonly Workload[]): readonly KubernetesObject[] {
  const metadata = metadataOf('rondo-discovery');
  const role = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name };
  return [
    {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata },
      rules: [{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] }],
    },
    {
      ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef: role },
      subjects: workloads.map(({ service }) => ({ kind: 'ServiceAccount', name: service })),
    },
  ];
}

/** Clients read its EndpointSlices, which have its labels. */
function serviceOf({ service, port, serves, public: outside }: Workload): KubernetesObject {
  const { name, labels } = metadataOf(service);
  const served = Object.fromEntries(serves.map((each) => [`serves.rondo/${each}`, '']));
  const grpc = { name: 'grpc', port, targetPort: 'grpc', appProtocol: 'kubernetes.io/h2c' };
  const http = outside && { name: 'http', port: outside.port, targetPort: 'http' };
  return {
    ...{ apiVersion: 'v1', kind: 'Service' },
    metadata: { name, labels: { ...labels, 'rondo/instances': 'tunnel', ...served } },
    spec: { selector: labelsOf(service), ports: [grpc, ...(http ? [http] : [])] },
  };
}

function deploymentOf(workload: Workload): KubernetesObject {
  const { service } = workload;
  return {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadataOf(service) },
    spec: {
      selector: { matchLabels: labelsOf(service) },
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '25%' } },
      template: {
        metadata: { labels: { ...labelsOf(service), ...PART_OF } },
        spec: podOf(workload, {
          topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
            ...{ maxSkew: 1, topologyKey, whenUnsatisfiable: 'ScheduleAnyway' },
            labelSelector: { matchLabels: labelsOf(service) },
          })),
          containers: [containerOf(workload, probesOf(workload))],
        }),
      },
    },
  };
}

/** A pod with the rights of a service, whose process may write to one folder alone. */
export const podOf = ({ service }: Workload, spec: KubernetesObject): KubernetesObject => ({
  serviceAccountName: service,
  terminationGracePeriodSeconds: TERMINATION_SECONDS,
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  ...spec,
  volumes: [{ name: 'tmp', emptyDir: {} }],
});

function probesOf({ port, public: outside }: Workload): KubernetesObject {
  return {
    ports: [
      { name: 'grpc', containerPort: port },
      ...(outside ? [{ name: 'http', containerPort: outside.port }] : []),
      { name: 'metrics', containerPort: METRICS_PORT },
    ],
    startupProbe: { grpc: { port, service: LIVENESS }, periodSeconds: 1, failureThreshold: 60 },
    readinessProbe: { grpc: { port }, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { grpc: { port, service: LIVENESS }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  };
}

/** The process of a service. */
export function containerOf(workload: Workload, { ports, ...probes }: KubernetesObject): KubernetesObject {
  const { service, image } = workload;
  return {
    ...{ name: service, image, imagePullPolicy: 'IfNotPresent' },
    ...(ports !== undefined && { ports }),
    envFrom: [{ configMapRef: { name: SETTINGS } }],
    env: environmentOf(workload),
    ...probes,
    resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    },
    // biome-ignore lint/plugin: the path is inside the container
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
}

function environmentOf({ service, port, database, public: outside }: Workload): readonly KubernetesObject[] {
  const value = (name: string, text: string) => ({ name, value: text });
  const podsName = { fieldRef: { fieldPath: 'metadata.name' } };
  const url = { secretKeyRef: { name: databaseSecret(service), key: 'url' } };
  return [
    { name: 'RONDO_INSTANCE_ID', valueFrom: podsName },
    value('RONDO_LISTEN', `0.0.0.0:${port}`),
    ...(outside ? [value(outside.variable, `0.0.0.0:${outside.port}`)] : []),
    ...(database === undefined ? [] : [{ name: 'DATABASE_URL', valueFrom: url }]),
  ];
}

/** The Secret with the URL of the database of a service. */
export const databaseSecret = (service: string): string => `${service}-database`;

function disruptionBudgetOf({ service }: Workload): KubernetesObject {
  return {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: metadataOf(service) },
    spec: { selector: { matchLabels: labelsOf(service) }, maxUnavailable: 1 },
  };
}

function autoscalerOf({ service, instances }: Workload): KubernetesObject {
  const target = { type: 'Utilization', averageUtilization: 70 };
  return {
    ...{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: metadataOf(service) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: service },
      ...{ minReplicas: Math.max(LEAST_REPLICAS, instances), maxReplicas: MOST_REPLICAS },
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
    },
  };
}

/** Only pods of the system call it, and of these only those that its contracts name; everyone reads metrics. */
function networkPolicyOf({ service, port, callers, public: outside }: Workload): KubernetesObject {
  const from = callers?.map((name) => ({ podSelector: { matchLabels: labelsOf(name) } })) ?? [
    { podSelector: { matchLabels: PART_OF } },
  ];
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: metadataOf(service) },
    spec: {
      podSelector: { matchLabels: labelsOf(service) },
      policyTypes: ['Ingress'],
      ingress: [
        { from, ports: [{ port }] },
        ...(outside ? [{ ports: [{ port: outside.port }] }] : []),
        { ports: [{ port: METRICS_PORT }] },
      ],
    },
  };
}
