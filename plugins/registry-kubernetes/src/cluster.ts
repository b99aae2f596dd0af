import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Target } from './target.js';

/** Where Kubernetes puts what a pod needs to call the API server. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** An API server, and how this process calls it. */
export interface Cluster {
  readonly server: URL;
  readonly namespace: string;
  /** The certificates of now that sign the API server's, in PEM; undefined for the machine's. @throws Error if the file can't be read. */
  ca(): Promise<string | undefined>;
  /** The token of now: Kubernetes renews the file. Undefined for none. @throws Error if the file can't be read. */
  token(): Promise<string | undefined>;
}

/** What tells a pod where it runs. */
export interface ClusterOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder of the service account. */
  readonly account?: string;
}

/**
 * Finds the API server that `target` names, or that of the pod.
 *
 * @throws TypeError if the process runs in no pod, and `target` doesn't say what a pod would know; Error if the authorities can't be read.
 */
export function openCluster(target: Target, { environment, account = ACCOUNT }: ClusterOptions): Cluster {
  const own = (name: string): string | undefined => {
    const file = `${account}/${name}`;
    return existsSync(file) ? file : undefined;
  };
  const server = target.server ?? podsServer(environment);
  const isPods = target.server === undefined;
  const tokenFile = target.tokenFile ?? (isPods ? own('token') : undefined);
  const caFile = target.caFile ?? (isPods ? own('ca.crt') : undefined);
  if (caFile !== undefined) readFileSync(caFile);
  const namespaceFile = own('namespace');
  const namespace = target.namespace ?? (namespaceFile && readFileSync(namespaceFile, 'utf8').trim());
  if (namespace === undefined || namespace === '') {
    throw new TypeError('kubernetes://: this process runs in no pod, so name the namespace: kubernetes://NAMESPACE');
  }
  return {
    server,
    namespace,
    ca: () => read(caFile),
    token: () => read(tokenFile),
  };
}

const read = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : (await readFile(file, 'utf8')).trim();

function podsServer(environment: ClusterOptions['environment']): URL {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host !== undefined && host !== '') return new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  throw new TypeError(
    'kubernetes://: this process runs in no pod (KUBERNETES_SERVICE_HOST is not set); name the API server: ?server=https://HOST:PORT',
  );
}
