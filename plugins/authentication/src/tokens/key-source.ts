import { readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@rondo/rpc/clock';
import { maskUrl } from '@rondo/rpc/internal';
import type { TokensPlugin } from '@rondo/service';
import type { JSONWebKeySet } from 'jose';

/** An issuer of tokens, and where its keys are. */
export type Issuer = NonNullable<Parameters<TokensPlugin['open']>[0]['tokens']>['issuers'][number];

/** Reads the issuer's keys from where they are. It rejects with an Error that says why they can't be read. */
export type ReadKeys = () => Promise<JSONWebKeySet>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;
/** For errors and the log: a URL may have a login, or a key in its query. */
const shown = ({ href }: URL): string => maskUrl(href);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** What is wrong with an issuer: its keys can't be found, or could be replaced on the way. Undefined if nothing is. */
export function faultOf({ name, jwks }: Issuer): string | undefined {
  const url = jwks ?? (URL.canParse(name) ? new URL(name) : undefined);
  if (url === undefined) return `${name} is no URL, so that its keys can't be found: name the URL of its keys`;
  if (jwks === undefined && url.protocol === 'file:') return `${name} is a file: name the URL of its keys`;
  return isSafe(url) ? undefined : `the keys of ${name} must come by https: ${shown(url)} could be replaced on the way`;
}

/** Plain HTTP only within this machine. */
function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || protocol === 'file:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** Source of discovery: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig */
export function keySource({ name, jwks }: Issuer, clock: Clock): ReadKeys {
  if (jwks !== undefined) return async () => toKeySet(await readJson(jwks, clock), jwks);
  const configuration = new URL(`${name.replace(/\/$/, '')}/.well-known/openid-configuration`);
  return async () => {
    const found = await readJson(configuration, clock);
    const { issuer, jwks_uri: uri } = found;
    if (issuer !== name) throw new Error(`${configuration} is of the issuer ${JSON.stringify(issuer)}, not ${name}`);
    const url = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri) : undefined;
    if (url === undefined || url.protocol === 'file:' || !isSafe(url)) {
      throw new Error(`${configuration} names no jwks_uri with https: ${JSON.stringify(uri)}`);
    }
    return toKeySet(await readJson(url, clock), url);
  };
}

function toKeySet(json: Readonly<Record<string, unknown>>, url: URL): JSONWebKeySet {
  const { keys } = json;
  if (!Array.isArray(keys)) throw new Error(`${shown(url)} has no list of keys`);
  // Keys of other kinds may be among them: the verifier looks at each before it uses it.
  return { keys };
}

async function readJson(url: URL, clock: Clock): Promise<Readonly<Record<string, unknown>>> {
  const text = url.protocol === 'file:' ? await readBounded(url) : await get(url, clock);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${shown(url)} isn't JSON`, { cause });
  }
  if (typeof json !== 'object' || json === null) throw new Error(`${shown(url)} isn't a JSON object`);
  return { ...json };
}

async function readBounded(url: URL): Promise<string> {
  const file = fileURLToPath(url);
  if ((await stat(file)).size > MAX_BYTES) throw new Error(`${file} has more than ${MAX_BYTES} bytes`);
  return readFile(file, 'utf8');
}

/** Redirects aren't followed: they would lead to a host that isn't configured. */
async function get(url: URL, clock: Clock): Promise<string> {
  const controller = new AbortController();
  const timer = clock.setTimer(TIMEOUT_MS, () => controller.abort(), { keepAlive: false });
  try {
    return await receive(url, controller.signal);
  } catch (cause) {
    if (controller.signal.aborted) throw new Error(`${shown(url)} didn't answer within ${TIMEOUT_MS} ms`, { cause });
    throw cause;
  } finally {
    timer.cancel();
  }
}

async function receive(url: URL, signal: AbortSignal): Promise<string> {
  const { get: send } = url.protocol === 'https:' ? https : http;
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    send(url, { agent: false, signal, headers: { accept: 'application/json' } }, resolve).on('error', reject);
  });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    if (response.statusCode !== 200) throw new Error(`${shown(url)} answered with ${response.statusCode}`);
    for await (const chunk of response) {
      sizeBytes += chunk.length;
      if (sizeBytes > MAX_BYTES) throw new Error(`${shown(url)} has more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}
