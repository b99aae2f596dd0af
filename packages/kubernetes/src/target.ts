/** Where the EndpointSlices are, and which of them belong to a service. */
export interface Target {
  /** The namespace; undefined for the pod's own. */
  readonly namespace: string | undefined;
  /** The API server; undefined for the pod's own. */
  readonly server: URL | undefined;
  /** The file of the token; undefined for the pod's own. */
  readonly tokenFile: string | undefined;
  /** The file of the certificates that sign the API server's; undefined for the pod's own. */
  readonly caFile: string | undefined;
  /** The name of the port that is called, in each Service that has several. */
  readonly port: string;
  /** The names of the Services whose endpoints serve a gRPC service, where no label tells. */
  readonly services: ReadonlyMap<string, string>;
}

const DEFAULT_PORT = 'grpc';
/** RFC 1123: a namespace, and the name of a Service. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PROTO_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/;

/**
 * Parses `kubernetes://NAMESPACE?KEY=VALUE&…`. The keys are `server`, `token-file`, `ca-file` and `port`; any other key is the full
 * name of a gRPC service, and its value the name of a Service of Kubernetes.
 *
 * @throws TypeError that names the part, its rule and the remedy.
 */
export function parseTarget(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'kubernetes:')
    throw new TypeError(`${text}: give kubernetes://NAMESPACE, such as kubernetes://shop`);
  const { searchParams: query, hostname } = url;
  if (hostname !== '' && !LABEL.test(hostname)) throw new TypeError(`${text}: ${hostname} is no name of a namespace`);
  if (url.port !== '' || url.username !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw new TypeError(`${text}: has more than a namespace and a query; an API server is ?server=https://HOST:PORT`);
  }
  const take = (key: string): string | undefined => {
    const value = query.get(key) ?? undefined;
    query.delete(key);
    if (value === '') throw new TypeError(`${text}: ${key} is empty`);
    return value;
  };
  return {
    namespace: hostname === '' ? undefined : hostname,
    server: serverOf(text, take('server')),
    tokenFile: take('token-file'),
    caFile: take('ca-file'),
    port: take('port') ?? DEFAULT_PORT,
    services: servicesOf(text, query),
  };
}

function serverOf(text: string, server: string | undefined): URL | undefined {
  if (server === undefined) return undefined;
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new TypeError(
    `${text}: server ${server} is no URL; give https://HOST:PORT, or http://127.0.0.1:8001 of kubectl proxy`,
  );
}

function servicesOf(text: string, query: URLSearchParams): ReadonlyMap<string, string> {
  for (const [service, name] of query) {
    if (!PROTO_NAME.test(service)) throw new TypeError(`${text}: ${service} is no full name of a gRPC service`);
    if (!LABEL.test(name)) throw new TypeError(`${text}: ${service}=${name}: ${name} is no name of a Service`);
  }
  return new Map(query);
}
