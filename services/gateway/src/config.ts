import { isIP } from 'node:net';
import { join } from 'node:path';
import type { openMcp } from '@rondo/mcp';
import {
  type Config,
  ConfigurationError,
  formatHostPort,
  type HostPort,
  integer,
  list,
  listenAddress,
  matching,
  oneOf,
  optionalVariable,
  type Parser,
  text,
  url,
  variable,
} from '@rondo/service';
import type { TlsFiles } from './listener/tls.js';

/** The bounds of the public port. */
interface Limits {
  readonly connections: number;
  /** How many of them may come from one address; an IPv6 network of 64 bits counts as one. */
  readonly 'client-connections': number;
  /** How many requests a client may send in a second; 0 for any number. */
  readonly 'client-rate': number;
  /** How many of them may come at once, after a pause; 0 for as many as in a second. */
  readonly 'client-burst': number;
}

const DEFAULT_LIMITS: Limits = {
  connections: 10_000,
  'client-connections': 1_000,
  'client-rate': 0,
  'client-burst': 0,
};
const limit = integer({ min: 1, max: 2 ** 31 - 1 });

/** Parses bounds such as `connections=20000,client-rate=100`. Those that the text doesn't name have their defaults. */
export const limits: Parser<Limits> = {
  rule: `key=number, several with commas; the keys are ${Object.keys(DEFAULT_LIMITS).join(', ')}`,
  example: 'client-rate=100,client-burst=200',
  parse(text) {
    const found = new Map<string, number>();
    for (const part of text.split(',')) {
      const [key = '', value = ''] = part.trim().split('=', 2);
      const parsed = limit.parse(value);
      if (!Object.hasOwn(DEFAULT_LIMITS, key)) return { ok: false, fault: `has the unknown key "${key}"` };
      if (!parsed.ok) return { ok: false, fault: `has a value of ${key} that ${parsed.fault}` };
      if (found.has(key)) return { ok: false, fault: `gives ${key} twice` };
      found.set(key, parsed.value);
    }
    return { ok: true, value: { ...DEFAULT_LIMITS, ...Object.fromEntries(found) } };
  },
  format: (value) =>
    Object.entries(value)
      .filter(([, bound]) => bound > 0)
      .map(([key, bound]) => `${key}=${bound}`)
      .join(','),
};

/** Parses a host that clients may name, without its port: `api.example.com`, `[::1]`, or `*` for any. */
export const host = matching(
  /^(?:\*|\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)$/i,
  'a host without a port, an IPv6 address in brackets, or * for any',
  'api.example.com',
);

/** Parses the origin of pages, as browsers send it: `https://app.example.com`, or `*` for any. */
export const origin: Parser<string> = {
  rule: 'an origin: scheme, host and port only, or * for any',
  example: 'https://app.example.com',
  parse(value) {
    if (value === '*' || (URL.canParse(value) && new URL(value).origin === value)) return { ok: true, value };
    const better = URL.canParse(value) ? new URL(value).origin : 'null';
    return { ok: false, fault: better === 'null' ? 'is not an origin' : `is not an origin, ${better} is one` };
  },
  format: String,
};

/** Parses the address of a proxy, or a network: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
export const network: Parser<string> = {
  rule: 'an IP address, or a network such as 10.0.0.0/8',
  example: '10.0.0.0/8',
  parse(value) {
    const { address = '', bits } = /^(?<address>[^/]+)(?:\/(?<bits>\d{1,3}))?$/.exec(value)?.groups ?? {};
    const family = isIP(address);
    if (family === 0) return { ok: false, fault: 'is not an IP address or a network' };
    const most = family === 4 ? 32 : 128;
    if (bits !== undefined && Number(bits) > most) return { ok: false, fault: `has more than ${most} bits` };
    return { ok: true, value };
  },
  format: String,
};

/** Parses the owner of all paths that begin with some segments. */
const pathOwner = matching(
  /^(?:\/[^\s,=:{}*/]+)+=[a-z_]\w*(?:\.\w+)*$/i,
  'the beginning of a path, and the service or package that has all paths below',
  '/v1/orders=sales',
);

/** The environment variables of the gateway, in addition to the shared ones. */
export const variables = {
  listen: variable('RONDO_GATEWAY_LISTEN', listenAddress, {
    default: { host: '127.0.0.1', port: 8080 },
    example: '127.0.0.1:8080',
    description: 'Where the gateway listens for clients outside of the system.',
  }),
  tlsDir: optionalVariable('RONDO_GATEWAY_TLS_DIR', text, {
    example: '/var/run/secrets/gateway',
    description:
      'The folder with the certificate and its chain, tls.crt, and its key, tls.key, in PEM. They are read again when they change.',
  }),
  plaintext: variable('RONDO_GATEWAY_PLAINTEXT', oneOf(['allow', 'refuse']), {
    default: 'allow',
    description: 'Whether the port also serves requests that are not encrypted; refuse answers 426.',
  }),
  hosts: variable('RONDO_GATEWAY_HOSTS', list(host), {
    default: ['localhost', '127.0.0.1', '[::1]'],
    example: 'api.example.com',
    description: 'The hosts that requests may name, besides the host of RONDO_GATEWAY_LISTEN. Others are answered 421.',
  }),
  corsOrigins: variable('RONDO_GATEWAY_CORS_ORIGINS', list(origin), {
    default: [],
    example: 'https://app.example.com',
    description: 'The origins whose pages may call from a browser.',
  }),
  maxMessageBytes: variable('RONDO_MAX_REQUEST_BYTES', integer({ min: 1, max: 2 ** 31 - 1 }), {
    default: 4 * 2 ** 20,
    description: 'The largest message or body of a request.',
  }),
  limits: variable('RONDO_GATEWAY_LIMITS', limits, {
    default: DEFAULT_LIMITS,
    example: limits.example,
    description: 'Bounds of the public port: of connections, and of the requests of a client.',
  }),
  trustedProxies: variable('RONDO_GATEWAY_TRUSTED_PROXIES', list(network), {
    default: [],
    example: network.example,
    description: "The proxies whose X-Forwarded-For names the client's address.",
  }),
  trustedTracers: variable('RONDO_GATEWAY_TRUSTED_TRACERS', list(network), {
    default: [],
    example: network.example,
    description: 'The callers that decide what is sampled, whose spans are parents, and whose baggage goes on.',
  }),
  pathOwners: variable('RONDO_GATEWAY_PATH_OWNERS', list(pathOwner), {
    default: [],
    example: '/v1/orders=sales,/v1/projects=projects.v1.ProjectService',
    description:
      'The services or packages that have the paths below a beginning, whichever registered first. The first that fits counts.',
  }),
  console: optionalVariable('RONDO_GATEWAY_CONSOLE', listenAddress, {
    example: '127.0.0.1:8090',
    description:
      'Where operators reach the console. It may be the address of RONDO_GATEWAY_LISTEN. Beyond the loopback it needs credentials.',
  }),
  dashboards: optionalVariable('RONDO_GATEWAY_DASHBOARDS', url({ protocols: ['http:', 'https:'] }), {
    example: 'https://grafana.example.com/dashboards/f/rondo',
    description:
      'The address of the dashboards of the system, in Grafana or another program, to which the console links.',
  }),
  mcp: optionalVariable('RONDO_GATEWAY_MCP', text, {
    example: 'on',
    description:
      'Whether agents may call the methods that are tools, at /mcp: on, or a file with the key of at least 32 bytes by which several gateways sign confirmations.',
  }),
} as const;

/** The values of these variables, and the arguments that `npm start` gives. */
export type GatewayConfig = Config<typeof variables> & {
  /** The folder with the pages of services: its folder `board` is served at `/board`. By default the image's. */
  readonly pages?: string | undefined;
  /** The file by which the console finds `npm start`, to restart instances. */
  readonly launcher?: string | undefined;
  /** Opens what serves agents, if RONDO_GATEWAY_MCP says so. */
  readonly open?: typeof openMcp;
};

/**
 * Where the console listens; undefined for nowhere.
 *
 * @throws ConfigurationError if other machines could use it without credentials.
 */
export function consoleAddress(
  { console }: Pick<GatewayConfig, 'console'>,
  authenticates: boolean,
): HostPort | undefined {
  if (console === undefined || authenticates || LOOPBACK.test(console.host)) return console;
  throw new ConfigurationError([
    `${variables.console.name}=${formatHostPort(console)} is beyond the loopback, and anyone there could operate the system: give an address of 127.0.0.1, or configure tokens or API keys`,
  ]);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/**
 * The files for TLS; undefined without TLS.
 *
 * @throws ConfigurationError if plaintext is refused without TLS.
 */
export function tlsFiles({ tlsDir, plaintext }: Pick<GatewayConfig, 'tlsDir' | 'plaintext'>): TlsFiles | undefined {
  if (tlsDir !== undefined) return { certPath: join(tlsDir, 'tls.crt'), keyPath: join(tlsDir, 'tls.key') };
  if (plaintext === 'allow') return undefined;
  throw new ConfigurationError([
    `${variables.plaintext.name}=refuse leaves nothing to serve: give ${variables.tlsDir.name}`,
  ]);
}
