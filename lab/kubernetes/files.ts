import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Api } from './api.js';
import type { DataObject, Pod, Service, Source } from './objects.js';

/** The address of the Service of the API server: the first of the range. */
const API_SERVICE = '10.96.0.1';

/** A pod, and what its files and variables are made of. */
export interface PodPlace {
  readonly api: Api;
  readonly pod: Pod;
  readonly address: string;
  /** The folder of the pod on the host. */
  readonly folder: string;
}

/** The values that a pod may ask of itself. */
function fieldOf({ pod, address }: PodPlace, fieldPath: string): string {
  const { metadata, spec } = pod;
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'status.podIP': address,
  };
  const value = fields[fieldPath];
  if (value === undefined) throw new Error(`this kubelet doesn't know the field ${fieldPath}`);
  return value;
}

/** The data of a ConfigMap or a Secret. */
async function dataOf({ api, pod }: PodPlace, kind: 'configmaps' | 'secrets', name: string) {
  const found = await api.call<DataObject>('GET', `/api/v1/namespaces/${pod.metadata.namespace}/${kind}/${name}`);
  const decode = (value: string) => (kind === 'secrets' ? Buffer.from(value, 'base64').toString() : value);
  return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

/** The variables of the pod's container. */
export async function environmentOf(place: PodPlace): Promise<Readonly<Record<string, string>>> {
  const { env = [], envFrom = [] } = place.pod.spec.containers[0];
  const variables: Record<string, string> = { KUBERNETES_SERVICE_HOST: API_SERVICE };
  for (const { configMapRef } of envFrom)
    Object.assign(variables, await dataOf(place, 'configmaps', configMapRef.name));
  for (const { name, value = '', valueFrom } of env) {
    const { fieldRef, secretKeyRef: secret } = valueFrom ?? {};
    variables[name] = value;
    if (fieldRef) variables[name] = fieldOf(place, fieldRef.fieldPath);
    if (secret) variables[name] = (await dataOf(place, 'secrets', secret.name))[secret.key] ?? '';
  }
  return variables;
}

/** Writes the volumes, and a hosts file in place of the cluster's DNS. Gives what is mounted where. */
export async function mountsOf(place: PodPlace): Promise<ReadonlyMap<string, string>> {
  const { folder, pod } = place;
  const hosts = path.join(folder, 'hosts');
  const services = `/api/v1/namespaces/${pod.metadata.namespace}/services`;
  const { items } = await place.api.call<{ items: Service[] }>('GET', services);
  const lines = items.map(
    ({ metadata: { name, namespace }, spec }) => `${spec.clusterIP} ${name} ${name}.${namespace}\n`,
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(hosts, ['127.0.0.1 localhost\n', `${place.address} ${pod.metadata.name}\n`, ...lines].join(''));
  const mounts = new Map([['/etc/hosts', hosts]]);
  const { volumes = [], containers } = pod.spec;
  for (const { name, mountPath } of containers[0].volumeMounts ?? []) {
    const volume = volumes.find((one) => one.name === name);
    const at = path.join(folder, 'volumes', name);
    mkdirSync(at, { recursive: true });
    if (volume?.emptyDir) chmodSync(at, 0o777);
    else for (const [file, text] of await filesOf(place, volume ?? {})) writeFileSync(path.join(at, file), text);
    mounts.set(mountPath, at);
  }
  return mounts;
}

async function filesOf(place: PodPlace, source: Source): Promise<readonly (readonly [string, string])[]> {
  const { configMap, secret, projected, downwardAPI, serviceAccountToken: token } = source;
  if (projected) return (await Promise.all(projected.sources.map((one) => filesOf(place, one)))).flat();
  if (downwardAPI) return downwardAPI.items.map((one) => [one.path, fieldOf(place, one.fieldRef.fieldPath)]);
  if (token) return [[token.path, await tokenOf(place, token.expirationSeconds)]];
  return Object.entries(
    configMap
      ? await dataOf(place, 'configmaps', configMap.name)
      : await dataOf(place, 'secrets', secret?.secretName ?? ''),
  );
}

/** A token of the pod's account. It isn't renewed: it outlives the cluster. */
async function tokenOf({ api, pod: { metadata, spec } }: PodPlace, expirationSeconds: number): Promise<string> {
  const { namespace, name, uid } = metadata;
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts/${spec.serviceAccountName}/token`;
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
  const made = await api.call<{ status: { token: string } }>('POST', account, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds, boundObjectRef },
  });
  return made.status.token;
}
