import { formatHostPort, type HostPort, hostPort, list, type Parser } from '@rondo/service';

type Parsed<T> = ReturnType<Parser<T>['parse']>;

/** Where the registry keeps its state. */
export type StoreLocation = { readonly kind: 'memory' } | EtcdLocation;

/** The parts of an etcd URL. */
export interface EtcdLocation {
  readonly kind: 'etcd';
  readonly endpoints: readonly HostPort[];
  /** Whether connections are encrypted. */
  readonly isEncrypted: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The prefix of all keys. */
  readonly prefix: string;
}

/** The prefix of the keys if the URL has no path. */
const DEFAULT_PREFIX = '/rondo/registry';
const DEFAULT_PORT = ':2379';
const URL =
  /^(?<scheme>etcds?):\/\/(?:(?<user>[^:@/]+):(?<password>[^@/]+)@)?(?<hosts>[^@/]+)(?<prefix>(?:\/[\w.-]+)*)\/?$/;

/** Parses `memory` or the URL of an etcd. A fault never repeats the value, which may contain a password. */
export const storeLocation: Parser<StoreLocation> = {
  rule: 'memory, or etcd://[user:password@]host[:port],…[/prefix], etcds:// for TLS, with user and password percent-encoded',
  example: 'etcd://etcd-1:2379,etcd-2:2379,etcd-3:2379',
  parse: (text) => (text === 'memory' ? { ok: true, value: { kind: 'memory' } } : parseUrl(text)),
  format: (location) => (location.kind === 'memory' ? 'memory' : formatUrl(location)),
};

function parseUrl(text: string): Parsed<StoreLocation> {
  const { scheme, user, password, hosts = '', prefix = '' } = URL.exec(text)?.groups ?? {};
  if (scheme === undefined) return { ok: false, fault: 'is neither memory nor the URL of an etcd' };
  const endpoints = list(hostPort).parse(hosts.split(',').map(withPort).join(','));
  if (!endpoints.ok) return { ok: false, fault: `names hosts of which ${endpoints.fault}` };
  try {
    const value: EtcdLocation = {
      kind: 'etcd',
      endpoints: endpoints.value,
      isEncrypted: scheme === 'etcds',
      user: user && decodeURIComponent(user),
      password: password && decodeURIComponent(password),
      prefix: prefix === '' ? DEFAULT_PREFIX : prefix,
    };
    return { ok: true, value };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return { ok: false, fault: 'has a user or password with a % that encodes nothing' };
  }
}

function withPort(host: string): string {
  return host === '' || /:\d*$/.test(host) ? host : `${host}${DEFAULT_PORT}`;
}

/** Formats a URL without its password. */
function formatUrl({ isEncrypted, user, endpoints, prefix }: EtcdLocation): string {
  const login = user === undefined ? '' : `${encodeURIComponent(user)}:(hidden)@`;
  return `${isEncrypted ? 'etcds' : 'etcd'}://${login}${endpoints.map(formatHostPort).join(',')}${prefix}`;
}
