import { maskUrl } from '@rondo/rpc/internal';

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
const PROTO_NAME = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$/;

/**
 * Parses `kubernetes://NAMESPACE?KEY=VALUE&…`. The keys are `server`, `token-file`, `ca-file` and `port`; any other key is the full
 * name of a gRPC service, and its value the name of a Service of Kubernetes.
 *
 * @throws TypeError that names the part, its rule and the remedy.
 */
export function parseTarget(text: string): Target {
  const shown = maskUrl(text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'kubernetes:')
    throw new TypeError(`${shown}: give kubernetes://NAMESPACE, such as kubernetes://shop`);
  const { searchParams: query, hostname } = url;
  if (hostname !== '' && !LABEL.test(hostname)) throw new TypeError(`${shown}: ${hostname} is no name of a namespace`);
  if (url.port !== '' || url.username !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw new TypeError(`${shown}: has more than a namespace and a query; an API server is ?server=https://HOST:PORT`);
  }
  const take = (key: string): string | undefined => {
    const value = query.get(key) ?? undefined;
    query.delete(key);
    if (value === '') throw new TypeError(`${shown}: ${key} is empty`);
    return value;
  };
  return {
    namespace: hostname === '' ? undefined : hostname,
    ...serverOf(shown, take('server'), take('ca-file')),
    tokenFile: take('token-file'),
    port: take('port') ?? DEFAULT_PORT,
    services: servicesOf(shown, query),
  };
}

function serverOf(shown: string, server = '', caFile?: string): Pick<Target, 'server' | 'caFile'> {
  if (server === '') return { server: undefined, caFile };
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === 'http:' && caFile !== undefined)
    throw new TypeError(`${shown}: ca-file has no effect without TLS; give server=https://HOST:PORT`);
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return { server: url, caFile };
  throw new TypeError(
    `${shown}: server ${maskUrl(server)} is no URL; give https://HOST:PORT, or http://127.0.0.1:8001 of kubectl proxy`,
  );
}

function servicesOf(shown: string, query: URLSearchParams): ReadonlyMap<string, string> {
  for (const [service, name] of query) {
    if (!PROTO_NAME.test(service))
      throw new TypeError(
        `${shown}: ${service} is neither server, token-file, ca-file, port nor the full name of a gRPC service`,
      );
    if (!LABEL.test(name)) throw new TypeError(`${shown}: ${service}=${name}: ${name} is no name of a Service`);
  }
  return new Map(query);
}
