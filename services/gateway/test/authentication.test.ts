import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { changeKeyFile, createAuthenticator, hashOfApiKey, newApiKey } from '@rondo/authentication';
import { type Logger, Metadata } from '@rondo/rpc/call';
import { fixedEndpoint } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import type { Authenticator } from '@rondo/service';
import {
  BEGIN,
  END_HEADERS,
  END_STREAM,
  type Header,
  headersFrame,
  frame as http2Frame,
  TYPE,
} from '../../../packages/rpc/test/attacks/frames.js';
import {
  claimsOf,
  NOW,
  newKey,
  type SigningKey,
  sign,
  TestIssuer,
} from '../../../plugins/authentication/test/support/issuer.js';
import { createEdge, type EdgeOptions } from '../src/edge/edge.js';
import { createHttpJson } from '../src/http-json/http-json.js';
import type { Backend, BackendCall } from '../src/protocols/backend.js';
import { createDispatch, type Dispatch } from '../src/protocols/dispatch.js';
import { frame, send1, send2 } from './support/calling.js';
import { catalogueOf, wellKnownFiles } from './support/catalogues.js';
import { fileOf, get, post } from './support/files.js';
import { closeAll, connect2, exchangeRaw, listening } from './support/listening.js';
import { methodsOf, noteCatalogue } from './support/note-service.js';

const NAME = { name: 'string' };
const READ = { auth: { public: false, scopes: ['notes.read'], callers: [] } };
const WRITE = { auth: { public: false, scopes: ['notes.write', 'notes.read'], callers: [] } };
const PUBLIC = { auth: { public: true, scopes: [], callers: [] } };
const file = fileOf('notes.v1.NoteService', {
  GetNote: { rule: get('/v1/notes/{name}'), policy: READ, safe: true, fields: NAME },
  PutNote: { rule: post('/v1/notes'), policy: WRITE, fields: NAME },
  GetTerms: { rule: get('/v1/terms'), policy: PUBLIC, safe: true, fields: NAME },
  WatchNotes: { rule: get('/v1/notes:watch'), policy: WRITE, streams: true, safe: true, fields: NAME },
});
const catalogue = catalogueOf([...wellKnownFiles, file]);
/** The instance that the catalogue knows. */
const INSTANCE = fixedEndpoint('127.0.0.1:1', { instanceId: 'a', incarnation: 1 });
const methods = methodsOf(file);

const issuer = new TestIssuer();
let key: SigningKey;
let folder: string;
let apiKey: string;
let authenticator: Authenticator;

beforeAll(async () => {
  await issuer.listen();
  key = await newKey('k1');
  issuer.keys = [key.jwk];
  folder = mkdtempSync(path.join(tmpdir(), 'rondo-gateway-'));
  const { id, text } = newApiKey();
  apiKey = text;
  const stored = { id, hash: hashOfApiKey(text), subject: 'ci', scopes: ['notes.read'] };
  const times = { created: '2026-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' };
  changeKeyFile(path.join(folder, 'keys.json'), () => [{ ...stored, ...times }]);
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
  authenticator = createAuthenticator({
    tokens: { issuers: [{ name: issuer.url, jwks: issuer.jwks }], audience: 'shop' },
    keyFile: path.join(folder, 'keys.json'),
    clock: new ManualClock(),
    wallClock: { now: () => NOW },
    log,
  });
});
afterAll(async () => {
  authenticator.close();
  rmSync(folder, { recursive: true });
  await issuer.close();
});
afterEach(closeAll);

const token = (scope = 'notes.read', subject = 'ada') => sign(claimsOf(issuer.url, { scope, sub: subject }), key);

/** A gateway whose services refuse as their contracts say. */
async function gateway(options: Partial<EdgeOptions> = {}) {
  const calls: BackendCall[] = [];
  const lines: string[] = [];
  const write = (...line: readonly unknown[]) => void lines.push(JSON.stringify(line));
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const backend: Backend = async (call) => {
    calls.push(call);
    const { principal, target } = call;
    const needed = { GetNote: READ, PutNote: WRITE, GetTerms: PUBLIC, WatchNotes: WRITE }[target.desc.name]?.auth;
    const error = (code: Status, text: string) => new RpcError(code, text, { origin: 'server' });
    if (needed?.public !== true && principal === undefined) throw error(Status.UNAUTHENTICATED, 'who are you?');
    const missing = needed?.scopes.filter((scope) => principal?.scopes.includes(scope) !== true) ?? [];
    if (missing.length > 0) throw error(Status.PERMISSION_DENIED, `${missing} is missing`);
    const response = { stream: false, message: new Uint8Array() } as const;
    return { header: new Metadata(), trailer: new Metadata(), response, from: INSTANCE };
  };
  const edge = createEdge({
    log,
    clock: systemClock,
    random: seededRandom(1),
    listenHost: '127.0.0.1',
    hosts: ['localhost', '127.0.0.1'],
    corsOrigins: ['https://app.example.com'],
    isProxy: () => false,
    mayTrace: () => false,
    rate: undefined,
    authenticator,
    refuse: (exchange, error, status) => dispatch.refuse(exchange, error, status),
    ...options,
  });
  const httpJson = createHttpJson({
    backend,
    clientOf: edge.clientOf,
  });
  const dispatch: Dispatch = createDispatch({
    catalogue: { ...noteCatalogue, method: (at) => methods.get(at) ?? 'unknown', route: catalogue.route },
    backend,
    httpJson,
    pages: () => false,
    log,
  });
  const { port } = await listening({ handler: edge.admit(dispatch.handle) });
  return {
    port,
    calls,
    lines,
    get: (at: string, headers: Record<string, string | string[]> = {}) =>
      send1(port, { method: 'GET', path: at, headers }),
    post: (at: string, headers: Record<string, string | string[]> = {}) =>
      send1(port, {
        method: 'POST',
        path: at,
        headers: { 'content-type': 'application/json', ...headers },
        chunks: [Buffer.from('{}')],
      }),
  };
}

const challengeOf = ({ headers }: { readonly headers: object }) => Reflect.get(headers, 'www-authenticate');

describe('the gateway', () => {
  it('makes a call on behalf of the principal of a token or an API key, and keeps the credentials', async () => {
    const { get: ask, calls, lines } = await gateway();
    const bearer = `Bearer ${await token()}`;
    for (const headers of [{ authorization: bearer }, { authorization: `bearer ${apiKey}` }, { 'x-api-key': apiKey }]) {
      expect((await ask('/v1/notes/a', headers)).status).toBe(200);
    }
    expect(calls.map(({ principal }) => principal?.subject)).toEqual(['ada', 'ci', 'ci']);
    for (const { metadata } of calls) {
      expect([metadata.get('authorization'), metadata.get('x-api-key')]).toEqual([undefined, undefined]);
    }
    expect(lines.join()).toContain('"subject":"ada"');
    expect(lines.join()).not.toContain(bearer.slice(-20));
    expect(lines.join()).not.toContain(apiKey.slice(-20));
  });

  it.each([{ authenticator: undefined }, {}])('keeps answers to API keys out of shared caches', async (given) => {
    const { get: ask } = await gateway(given);
    const { status, headers } = await ask('/v1/terms', { 'x-api-key': apiKey });
    expect([status, headers['cache-control']]).toEqual([200, 'private']);
    expect((await ask('/v1/terms')).headers['cache-control']).toBeUndefined();
  });

  it('answers 401 without credentials, and says what is needed', async () => {
    const answer = await (await gateway()).get('/v1/notes/a');
    expect(answer.status).toBe(401);
    expect(challengeOf(answer)).toBe('Bearer realm="rondo"');
    expect(JSON.parse(answer.body.toString())).toEqual({ code: 16, message: 'who are you?', details: [] });
  });

  it('answers 403 if a scope is missing, and says which are needed', async () => {
    const { post: ask, get: watch, calls } = await gateway();
    const headers = { authorization: `Bearer ${await token('notes.read')}` };
    for (const answer of [await ask('/v1/notes', headers), await watch('/v1/notes:watch', headers)]) {
      expect(answer.status).toBe(403);
      expect(challengeOf(answer)).toBe(
        'Bearer realm="rondo", error="insufficient_scope", scope="notes.write notes.read"',
      );
    }
    expect(calls).toHaveLength(2);
    expect((await ask('/v1/notes', { authorization: `Bearer ${await token('notes.write notes.read')}` })).status).toBe(
      200,
    );
  });

  it('serves a public method without credentials, and refuses bad ones there, too', async () => {
    const { get: ask } = await gateway();
    expect((await ask('/v1/terms')).status).toBe(200);
    expect((await ask('/v1/terms', { authorization: 'Bearer rondo_nonsense' })).status).toBe(401);
  });

  it('passes everything through as it is if nothing is configured', async () => {
    const { get: ask, calls } = await gateway({ authenticator: undefined });
    const answer = await ask('/v1/terms', { authorization: 'Bearer anything' });
    expect(answer.status).toBe(200);
    expect(calls[0]?.metadata.get('authorization')).toBe('Bearer anything');
    expect(calls[0]?.principal).toBeUndefined();
    const refused = await ask('/v1/notes/a', { authorization: 'Bearer anything' });
    expect([refused.status, challengeOf(refused)]).toEqual([401, undefined]);
  });
});

const REFUSED: Readonly<
  Record<string, readonly [headers: () => object | Promise<object>, status: number, challenge: RegExp]>
> = {
  'an expired token': [
    async () => ({ authorization: `Bearer ${await sign(claimsOf(issuer.url, { exp: -61 }), key)}` }),
    401,
    /error="invalid_token", error_description="the credentials are refused: the token has expired"/,
  ],
  'an API key that is cut off': [() => ({ 'x-api-key': apiKey.slice(0, -1) }), 401, /error="invalid_token"/],
  'an API key in the wrong place': [() => ({ authorization: `ApiKey ${apiKey}` }), 401, /error="invalid_token"/],
  'a token and a key': [
    async () => ({ authorization: `Bearer ${await token()}`, 'x-api-key': apiKey }),
    400,
    /error="invalid_request"/,
  ],
  'two tokens': [
    async () => ({ authorization: [`Bearer ${await token()}`, `Bearer ${await token('notes.write')}`] }),
    400,
    /error="invalid_request"/,
  ],
  'two keys': [() => ({ 'x-api-key': [apiKey, apiKey] }), 400, /error="invalid_request"/],
  'a cookie in place of credentials': [
    async () => ({ cookie: `authorization=Bearer ${await token()}; token=${apiKey}` }),
    401,
    /^Bearer realm="rondo"$/,
  ],
  'forged headers of an identity': [
    () => ({
      'rondo-principal': 'ada',
      'x-user': 'ada',
      'x-forwarded-user': 'ada',
      'x-forwarded-client-cert': 'URI=spiffe://rondo.local/sales',
      'proxy-authorization': `Bearer ${apiKey}`,
    }),
    401,
    /^Bearer realm="rondo"$/,
  ],
};

describe('the gateway refuses', () => {
  it.each(Object.entries(REFUSED))('%s', async (_name, [make, status, challenge]) => {
    const { port, calls } = await gateway();
    const headers = (await make()) as Record<string, string | string[]>;
    const answer = await send1(port, { method: 'GET', path: '/v1/notes/a', headers });
    expect(answer.status).toBe(status);
    expect(challengeOf(answer)).toMatch(challenge);
    expect(calls.filter(({ principal }) => principal !== undefined)).toEqual([]);
    const passed: string[] = [];
    for (const { metadata } of calls) metadata.forEach((name) => void passed.push(name));
    expect(passed).not.toContain('rondo-principal');
    expect(passed).not.toContain('proxy-authorization');
    expect(passed).not.toContain('cookie');
  });

  it('two tokens over HTTP/2, where Node shows only the first', async () => {
    const { port, calls, lines } = await gateway();
    const authorization = ['authorization', `Bearer ${await token()}`] as const;
    const request = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/v1/notes/a'],
      [':authority', 'localhost'],
    ] as const;
    const flags = END_HEADERS | END_STREAM;
    // The connection ends after the answer.
    const goAway = http2Frame(TYPE.GOAWAY, { payload: Buffer.alloc(8) });
    const frames = (headers: readonly Header[]) => Buffer.concat([BEGIN, headersFrame(headers, { flags }), goAway]);
    await exchangeRaw(port, frames([...request, authorization]));
    expect(calls).toHaveLength(1);
    await exchangeRaw(port, frames([...request, authorization, authorization]));
    expect(calls).toHaveLength(1);
    expect(lines.at(-1)).toContain('"status":400');
  });

  it('a header that is smuggled by a line break', async () => {
    const { port } = await gateway();
    const text = await exchangeRaw(
      port,
      `GET /v1/notes/a HTTP/1.1\r\nhost: localhost\r\nx: a\nauthorization: Bearer ${apiKey}\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 400/);
  });

  it("a page's request that rides on what the browser knows", async () => {
    const { post: ask, calls } = await gateway();
    const answer = await ask('/v1/notes', {
      origin: 'https://evil.example.com',
      cookie: `token=${await token('notes.write notes.read')}`,
    });
    expect([answer.status, calls]).toEqual([403, []]);
  });

  it.each([
    ['gRPC', 'application/grpc', 200],
    ['gRPC-Web', 'application/grpc-web', 200],
    ['Connect', 'application/proto', 401],
  ])('a bad token by %s', async (_name, contentType, status) => {
    const { port, calls } = await gateway();
    const session = await connect2(`http://127.0.0.1:${port}`);
    const headers = { 'content-type': contentType, authorization: 'Bearer rondo_x', te: 'trailers' };
    const sent = { path: '/notes.v1.NoteService/GetNote', headers, chunks: [frame(Buffer.alloc(0))] };
    const answer = await send2(session, sent);
    expect([answer.status, calls]).toEqual([status, []]);
    expect(challengeOf(answer)).toMatch(/invalid_token/);
    if (contentType === 'application/grpc') expect(answer.trailers['grpc-status']).toBe('16');
  });
});

describe('pages of other origins', () => {
  it('may send credentials if their origin is allowed, and may read why they were refused', async () => {
    const { port } = await gateway();
    const headers = {
      origin: 'https://app.example.com',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    const preflight = await send1(port, { method: 'OPTIONS', path: '/v1/notes', headers });
    expect(preflight.headers['access-control-allow-headers']).toBe('authorization,content-type');
    expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
    const refused = await send1(port, { method: 'GET', path: '/v1/notes/a', headers: { origin: headers.origin } });
    expect(refused.headers['access-control-expose-headers']).toContain('WWW-Authenticate');
  });
});

describe('the rate limit', () => {
  it('is by principal, and by address for requests without one', async () => {
    const clock = new ManualClock();
    let verified = 0;
    const counting: EdgeOptions['authenticator'] = {
      ...authenticator,
      authenticate(sent) {
        verified += 1;
        return authenticator.authenticate(sent);
      },
    };
    const { get: ask } = await gateway({ rate: { perSecond: 1, burst: 2 }, clock, authenticator: counting });
    const [ada, bob] = [await token(), await token('notes.read', 'bob')].map((text) => ({
      authorization: `Bearer ${text}`,
    }));
    const statuses = async (headers: object = {}) => {
      const answers = [];
      for (let count = 0; count < 3; count += 1) answers.push((await ask('/v1/notes/a', { ...headers })).status);
      return answers;
    };
    expect(await statuses(ada)).toEqual([200, 200, 429]);
    expect(await statuses(bob)).toEqual([200, 200, 429]);
    expect(await statuses({ 'x-api-key': apiKey })).toEqual([200, 200, 429]);
    verified = 0;
    expect(await statuses({ authorization: 'Bearer rondo_x' })).toEqual([401, 401, 429]);
    expect(await statuses()).toEqual([429, 429, 429]);
    // So many were refused that even those of a principal aren't verified.
    expect(await statuses({ 'x-api-key': apiKey })).toEqual([429, 429, 429]);
    expect(verified).toBe(2);
    await clock.advance(3_000);
    expect(await statuses({ 'x-api-key': apiKey })).toEqual([200, 200, 429]);
  });
});
