import { formatHostPort, type HostPort, hostPort, integer, list, type Parser } from '@rondo/service';
import { DEFAULT_TOTAL_LIMITS, type TotalLimits, TTL } from './domain/limits.js';

type Parsed<T> = ReturnType<Parser<T>['parse']>;

/** Where the registry keeps its state, and the bounds of the state. */
export type StoreLocation = ({ readonly kind: 'memory' } & StoreBounds) | EtcdLocation;

/** The bounds of a store, which the keys after the `?` of its location set. */
export interface StoreBounds {
  readonly limits: TotalLimits;
  /** How long a registry that started empty reports that instances may still register again. */
  readonly warmingMs: number;
}

/** Paths of PEM files, for TLS; undefined for none. */
interface TlsFiles {
  /** The CA certificates that etcd is checked against; by default the machine's. */
  readonly ca: string | undefined;
  /** The client certificate of the registry, if etcd asks for one, and its key. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** The parts of an etcd URL. */
export interface EtcdLocation extends StoreBounds {
  readonly kind: 'etcd';
  readonly files: TlsFiles;
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

/** The bounds of a store without keys. */
export const DEFAULT_BOUNDS: StoreBounds = { limits: DEFAULT_TOTAL_LIMITS, warmingMs: TTL.defaultMs };

/** The keys that every location may have. One message lists all services, and one all cordoned instances with their reasons. */
const BOUNDS = {
  instances: integer({ min: 1, max: 1_000_000 }),
  services: integer({ min: 1, max: 15_000 }),
  watches: integer({ min: 1, max: 100_000 }),
  cordoned: integer({ min: 1, max: 4_000 }),
  'warming-ms': integer({ max: TTL.maxMs }),
};
/** The keys of an `etcds://` URL. */
const FILES = ['ca-file', 'cert-file', 'key-file'];

/** Parses `memory` or the URL of an etcd, each with keys after a `?`. A fault never repeats the value, which may contain a password. */
export const storeLocation: Parser<StoreLocation> = {
  rule: `memory, or etcd://[user:password@]host[:port],…[/prefix], etcds:// for TLS, with user and password percent-encoded, and ?key=value&… with the keys ${[...Object.keys(BOUNDS), ...FILES].join(', ')}`,
  example: 'etcd://etcd-1:2379,etcd-2:2379,etcd-3:2379',
  parse(text) {
    const [place = '', query = ''] = text.split(/\?(.*)/s, 2);
    const keys = parseKeys(new URLSearchParams(query), { isEncrypted: place.startsWith('etcds://') });
    if (!keys.ok) return keys;
    const { files, ...bounds } = keys.value;
    return place === 'memory' ? { ok: true, value: { kind: 'memory', ...bounds } } : parseUrl(place, keys.value);
  },
  format: (location) => (location.kind === 'memory' ? 'memory' : formatUrl(location)),
};

interface Keys extends StoreBounds {
  readonly files: TlsFiles;
}

function parseKeys(query: URLSearchParams, { isEncrypted }: { readonly isEncrypted: boolean }): Parsed<Keys> {
  const numbers = new Map<string, number>();
  for (const [key, text] of query) {
    const bound = Object.entries(BOUNDS).find(([name]) => name === key)?.[1];
    if (bound === undefined && !FILES.includes(key)) return { ok: false, fault: 'has an unknown key after the ?' };
    if (bound === undefined && !isEncrypted) return { ok: false, fault: `has ${key}, which is for etcds:// alone` };
    if (query.getAll(key).length > 1) return { ok: false, fault: `has ${key} twice` };
    const parsed = bound?.parse(text);
    if (parsed?.ok === false) return { ok: false, fault: `has a value of ${key} that ${parsed.fault}` };
    if (parsed !== undefined) numbers.set(key, parsed.value);
  }
  const [ca, cert, key] = FILES.map((name) => query.get(name) ?? undefined);
  if ((cert === undefined) !== (key === undefined))
    return { ok: false, fault: 'has one of cert-file and key-file, which go together' };
  const { 'warming-ms': warmingMs = TTL.defaultMs, ...limits } = Object.fromEntries(numbers);
  return { ok: true, value: { limits: { ...DEFAULT_TOTAL_LIMITS, ...limits }, warmingMs, files: { ca, cert, key } } };
}

function parseUrl(text: string, keys: Keys): Parsed<StoreLocation> {
  const { scheme, user, password, hosts = '', prefix = '' } = URL.exec(text)?.groups ?? {};
  if (scheme === undefined) return { ok: false, fault: 'is neither memory nor the URL of an etcd' };
  const endpoints = list(hostPort).parse(hosts.split(',').map(withPort).join(','));
  if (!endpoints.ok) return { ok: false, fault: `names hosts of which ${endpoints.fault}` };
  try {
    const value: EtcdLocation = {
      kind: 'etcd',
      ...keys,
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
