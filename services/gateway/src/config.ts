import { isIP } from 'node:net';
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
  variable,
} from '@rondo/service';
import type { Rate } from './edge/rate-limit.js';
import type { TlsFiles } from './listener/tls.js';

const RATE = /^(?<perSecond>[1-9]\d{0,6})\/s(?:,burst=(?<burst>[1-9]\d{0,6}))?$/;

/** Parses a rate such as `100/s,burst=200`. The default burst is the requests of one second. */
export const rate: Parser<Rate> = {
  rule: 'requests a second, and how many may come at once: from 1 to 9999999 each',
  example: '100/s,burst=200',
  parse(value) {
    const { perSecond, burst = perSecond } = RATE.exec(value)?.groups ?? {};
    if (perSecond === undefined) return { ok: false, fault: 'is not a rate' };
    return { ok: true, value: { perSecond: Number(perSecond), burst: Number(burst) } };
  },
  format: ({ perSecond, burst }) => `${perSecond}/s,burst=${burst}`,
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

const yesOrNo = oneOf(['true', 'false']);

/** Parses `true` or `false`. */
const flag: Parser<boolean> = {
  ...yesOrNo,
  parse(value) {
    const parsed = yesOrNo.parse(value);
    return parsed.ok ? { ok: true, value: parsed.value === 'true' } : parsed;
  },
  format: String,
};

/** The environment variables of the gateway, in addition to the shared ones. */
export const variables = {
  listen: variable('RONDO_GATEWAY_LISTEN', listenAddress, {
    default: { host: '127.0.0.1', port: 8080 },
    example: '127.0.0.1:8080',
    description: 'Where the gateway listens for clients outside of the system.',
  }),
  tlsCert: optionalVariable('RONDO_GATEWAY_TLS_CERT', text, {
    example: '/etc/rondo/gateway.pem',
    description: 'The file of the certificate and its chain, in PEM. It is read again when it changes.',
  }),
  tlsKey: optionalVariable('RONDO_GATEWAY_TLS_KEY', text, {
    example: '/etc/rondo/gateway-key.pem',
    description: "The file of the certificate's key, in PEM.",
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
  maxMessageBytes: variable('RONDO_GATEWAY_MAX_MESSAGE_BYTES', integer({ min: 1, max: 2 ** 31 - 1 }), {
    default: 4 * 2 ** 20,
    description: 'The largest message or body of a request.',
  }),
  maxConnections: variable('RONDO_GATEWAY_MAX_CONNECTIONS', integer({ min: 1, max: 1_000_000 }), {
    default: 10_000,
    description: 'How many connections may be open.',
  }),
  maxConnectionsPerClient: variable('RONDO_GATEWAY_MAX_CONNECTIONS_PER_CLIENT', integer({ min: 1, max: 1_000_000 }), {
    default: 1_000,
    description: 'How many of them may come from one address; an IPv6 network of 64 bits counts as one.',
  }),
  rate: optionalVariable('RONDO_GATEWAY_RATE', rate, {
    description: 'How many requests a client may send; without a limit by default.',
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
  pages: optionalVariable('RONDO_GATEWAY_PAGES', text, {
    example: '/srv/pages',
    description:
      "The folder with the pages of services: its folder `board` is served at `/board`. By default the image's.",
  }),
  launcher: optionalVariable('RONDO_GATEWAY_LAUNCHER', text, {
    example: '.rondo/data/launcher.json',
    description: 'The file by which the console finds `npm start`, which sets it, to restart instances.',
  }),
  servedBy: variable('RONDO_GATEWAY_SERVED_BY', flag, {
    default: false,
    description: 'Whether answers name the instance that served them, in rondo-served-by.',
  }),
} as const;

/** The values of these variables. */
export type GatewayConfig = Config<typeof variables>;

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
 * @throws ConfigurationError if only one of the two is set, or if plaintext is refused without TLS.
 */
export function tlsFiles({
  tlsCert: certPath,
  tlsKey: keyPath,
  plaintext,
}: Pick<GatewayConfig, 'tlsCert' | 'tlsKey' | 'plaintext'>): TlsFiles | undefined {
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  const { tlsCert, tlsKey } = variables;
  const [set, unset] = certPath === undefined ? [tlsKey, tlsCert] : [tlsCert, tlsKey];
  if (certPath !== keyPath) {
    throw new ConfigurationError([`${set.name} is set without ${unset.name}: give both, or neither`]);
  }
  if (plaintext === 'allow') return undefined;
  throw new ConfigurationError([
    `${variables.plaintext.name}=refuse leaves nothing to serve: give ${tlsCert.name} and ${tlsKey.name}`,
  ]);
}
