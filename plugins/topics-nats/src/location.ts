import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import {
  credsAuthenticator,
  type NodeConnectionOptions,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { parseLocation } from '@rondo/registries';

/** Where NATS is, and how streams are made there. */
export interface NatsLocation {
  /** Begins the names of streams and subjects. */
  readonly prefix: string;
  readonly replicas: number;
  /** How many bytes a stream may have; -1 for no bound of its own. */
  readonly maxBytes: number;
  /** The client reads the files of the URL for each connection, as they may have been renewed. @throws Error if one can't be read. */
  options(): NodeConnectionOptions;
}

/** How long NATS has for an answer: less than an operator's call, which so learns that NATS is away. */
export const ANSWER_MS = 4_000;
/** A server that is frozen, or whose machine has gone, is left after three of these. */
const PING_MS = 10_000;
const FILES = ['ca-file', 'cert-file', 'key-file', 'creds-file', 'token-file'] as const;

/**
 * Parses `nats://USER:PASSWORD@HOST:PORT,HOST:PORT/PREFIX?KEY=VALUE`.
 *
 * @throws TypeError that names the part, its rule and the remedy.
 */
export function parseNats(url: string): NatsLocation {
  const { login, rest } = splitLogin(url);
  const { servers, path, options } = parseLocation(rest, {
    scheme: 'nats',
    port: 4222,
    keys: ['tls', 'replicas', 'max-bytes', ...FILES],
  });
  const prefix = path === '' ? 'rondo' : path.slice(1);
  if (!/^[A-Za-z0-9_]{1,64}$/.test(prefix))
    throw new TypeError(`${prefix} is no prefix of streams; give 1 to 64 characters of a-z A-Z 0-9 _`);
  const replicas = Number(options.get('replicas') ?? 1);
  if (![1, 3, 5].includes(replicas))
    throw new TypeError(`replicas is ${options.get('replicas')}; give 1, 3 or 5 servers that keep each event`);
  const maxBytes = Number(options.get('max-bytes') ?? -1);
  if (options.has('max-bytes') && !(Number.isSafeInteger(maxBytes) && maxBytes > 0))
    throw new TypeError(`max-bytes is ${options.get('max-bytes')}; give a number of bytes, such as 1073741824`);
  const hasTls = options.get('tls') === 'on';
  const ip = hasTls ? servers.find((server) => isIP(hostOf(server)) > 0) : undefined;
  if (ip !== undefined)
    throw new TypeError(
      `${hostOf(ip)} is an address, and with tls=on a certificate is compared with a name; give the name of the server`,
    );
  if ([login, ...FILES.slice(3).map((key) => options.get(key))].filter((given) => given !== undefined).length > 1)
    throw new TypeError('the login is given twice; give one of USER:PASSWORD@, creds-file and token-file');
  const [caFile, certFile, keyFile, credsFile, tokenFile] = FILES.map((key) => options.get(key));
  return {
    prefix,
    replicas,
    maxBytes,
    options() {
      for (const file of FILES.flatMap((key) => options.get(key) ?? [])) readFileSync(file);
      return {
        servers: [...servers],
        name: 'rondo',
        maxReconnectAttempts: -1,
        timeout: ANSWER_MS,
        pingInterval: PING_MS,
        ...(login !== undefined && { authenticator: usernamePasswordAuthenticator(...login) }),
        ...(credsFile !== undefined && { authenticator: credsAuthenticator(() => readFileSync(credsFile)) }),
        ...(tokenFile !== undefined && {
          authenticator: tokenAuthenticator(() => readFileSync(tokenFile, 'utf8').trim()),
        }),
        ...(hasTls && {
          tls: {
            ...(caFile !== undefined && { caFile }),
            ...(certFile !== undefined && { certFile }),
            ...(keyFile !== undefined && { keyFile }),
          },
        }),
      };
    },
  };
}

const hostOf = (server: string) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** Takes the login out of a URL. */
function splitLogin(url: string): { readonly login?: [user: string, password: string]; readonly rest: string } {
  const [, user, password, rest] = /^nats:\/\/([^/?@:]+):([^/?@]+)@(.+)$/.exec(url) ?? [];
  if (user === undefined || password === undefined) return { rest: url };
  try {
    return { login: [decodeURIComponent(user), decodeURIComponent(password)], rest: `nats://${rest}` };
  } catch {
    throw new TypeError('the login has a % that begins no character; write it as %25');
  }
}
