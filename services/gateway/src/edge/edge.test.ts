import { afterEach, describe, expect, it } from '@jest/globals';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { systemClock } from '@rondo/rpc/clock';
import { undecidedParent } from '@rondo/rpc/internal';
import type { RpcError } from '@rondo/rpc/status';
import { seededRandom } from '@rondo/rpc/testing';
import { ask1, closeAll, listening } from '../../test/support/listening.js';
import type { HttpExchange } from '../listener/exchange.js';
import { createEdge, type EdgeOptions } from './edge.js';
import { outcomeOf } from './request-id.js';

afterEach(closeAll);

const DEFAULTS = {
  clock: systemClock,
  random: seededRandom(1),
  listenHost: '127.0.0.1',
  hosts: ['localhost'],
  corsOrigins: [],
  isProxy: () => false,
  mayTrace: () => false,
  rate: undefined,
  authenticator: undefined,
} as const;

function refuse(exchange: HttpExchange, { message }: RpcError, status: number): void {
  exchange.respond(status, {});
  exchange.end(Buffer.from(message));
}

/** What a request has of its trace. */
const TRACED = /^(?:traceparent|tracestate|baggage)$/;

/** An edge in front of a handler that answers with what the request has of its trace, and the client's address. */
async function edge(options: Partial<EdgeOptions> = {}) {
  const lines: { fields: object; message: string }[] = [];
  const write = (fields: object, message: string) => void lines.push({ fields, message });
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const { admit, clientOf } = createEdge({ ...DEFAULTS, refuse, log, ...options });
  const handler = admit((exchange) => {
    exchange.respond(200, { client: clientOf(exchange) });
    const traced = Object.entries(exchange.headers).filter(([key]) => TRACED.test(key));
    exchange.end(Buffer.from(JSON.stringify(Object.fromEntries(traced))));
  });
  const { port } = await listening({ handler });
  return {
    ask: (headers = {}, path = '/v1/x?secret=1', method = 'GET') => ask1(port, { method, path, headers }),
    lines,
  };
}

describe('the edge', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;

  it("gives a request the id of its trace, or a new one; nothing else of a stranger's goes on", async () => {
    const { ask } = await edge();
    const state = { tracestate: 'a=1', baggage: 'tenant=acme' };
    for (const sent of [{}, { traceparent }, { traceparent, ...state }, { traceparent: 'nonsense', ...state }]) {
      const { headers, body } = await ask(sent);
      const id = String(headers['x-request-id']);
      expect(id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
      expect(id === trace).toBe('traceparent' in sent && sent.traceparent === traceparent);
      expect(JSON.parse(body)).toEqual({ traceparent: undecidedParent(id) });
    }
  });

  it('gives a request of a caller that may trace the id of its trace, and passes on what is valid', async () => {
    const { ask } = await edge({ mayTrace: (address) => address === '127.0.0.1' });
    const sent = { traceparent, tracestate: 'a=1', baggage: 'tenant=acme' };
    const traced = await ask(sent);
    expect(traced.headers['x-request-id']).toBe(trace);
    expect(JSON.parse(traced.body)).toEqual(sent);
    const long = 'x'.repeat(9_000);
    for (const invalid of ['nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, long]) {
      const { headers, body } = await ask({ traceparent: invalid, tracestate: 'a=1', baggage: 'a=1' });
      const id = String(headers['x-request-id']);
      expect(JSON.parse(body)).toEqual({ traceparent: undecidedParent(id), baggage: 'a=1' });
    }
    expect(JSON.parse((await ask({ traceparent, baggage: `a=${long}` })).body)).toEqual({ traceparent });
  });

  it('refuses other hosts, but not the probes of load balancers', async () => {
    const { ask } = await edge();
    const refused = await ask({ host: 'evil.example.com' });
    expect(refused.status).toBe(421);
    expect(refused.body).toMatch(/^the request names the host "evil\.example\.com", .* RONDO_GATEWAY_HOSTS/);
    expect((await ask({ host: 'localhost:1' })).status).toBe(200);
    expect((await ask({ host: 'evil.example.com' }, '/readyz')).status).toBe(200);
  });

  it('limits the requests of a client, by the address that a trusted proxy names', async () => {
    const { ask } = await edge({ rate: { perSecond: 1, burst: 2 }, isProxy: (address) => address === '127.0.0.1' });
    const from = (client: string) => ask({ 'x-forwarded-for': client });
    expect(await from('203.0.113.1')).toMatchObject({
      status: 200,
      headers: { client: '203.0.113.1', ratelimit: '"client";r=1;t=1', 'ratelimit-policy': '"client";q=2;w=2' },
    });
    await from('203.0.113.1');
    expect(await from('203.0.113.1')).toMatchObject({
      status: 429,
      headers: { ratelimit: '"client";r=0;t=1', 'retry-after': '1' },
      body: 'too many requests; send the next in 1 s',
    });
    expect((await from('203.0.113.2')).status).toBe(200);
    const network = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
    expect(await Promise.all(network.map(async (client) => (await from(client)).status))).toContain(429);
  });
});

it("takes a request's share from its principal, or from the network that a trusted proxy names", () => {
  const { shareOf } = createEdge({ ...DEFAULTS, refuse, log: silentLogger, isProxy: (from) => from === '10.0.0.1' });
  const share = (remote: string, forwarded?: string, subject?: string) =>
    shareOf({
      remote,
      headers: { 'x-forwarded-for': forwarded },
      ...(subject && { identity: { principal: { issuer: 'i', subject, scopes: [], actors: [] } } }),
    } as unknown as HttpExchange);
  expect(share('10.0.0.1', '1.2.3.4, 2001:db8::1')).toBe('2001:db8:0:0');
  expect(share('10.0.0.2', '1.2.3.4')).toBe('10.0.0.2');
  expect(share('10.0.0.1', '1.2.3.4', 'ada')).toBe('i ada');
});

it('measures requests by what contracts name, never by what a client sends', async () => {
  let measured: (labels: unknown) => void = () => undefined;
  const histogram = { record: (_seconds: number, labels: unknown) => measured(labels) };
  const meter = { createHistogram: () => histogram } as unknown as NonNullable<EdgeOptions['meter']>;
  const { ask } = await edge({ meter });
  const labelsOf = (path: string, method?: string) =>
    new Promise((resolve, reject) => {
      measured = resolve;
      ask({}, path, method).catch(reject);
    });
  const answer = { 'url.scheme': 'http', 'http.response.status_code': 200 };
  await ask({}, '/readyz');
  expect(await labelsOf('/v1/one')).toEqual({ 'http.request.method': 'GET', ...answer });
  expect(await labelsOf('/v1/two', 'PURGE')).toEqual({ 'http.request.method': '_OTHER', ...answer });
});

describe('CORS', () => {
  const ORIGIN = 'https://app.example.com';
  const preflight = (origin: string) => ({
    origin,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'if-match,x-tenant',
  });

  it('lets the pages of listed origins read answers and send headers', async () => {
    const { ask } = await edge({ corsOrigins: [ORIGIN] });
    const answer = await ask({ origin: ORIGIN });
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, vary: 'Origin' });
    expect(answer.headers['access-control-expose-headers']).toMatch(/grpc-status.*ETag.*X-Request-Id/i);
    const allowed = await ask(preflight(ORIGIN), '/v1/x', 'OPTIONS');
    expect(allowed).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-headers': 'if-match,x-tenant',
        'access-control-max-age': '7200',
      },
    });
    expect(allowed.headers['access-control-allow-methods']).toMatch(/POST.*PATCH/);
  });

  it('tells caches that answers differ by origin, also without one', async () => {
    const { ask } = await edge({ corsOrigins: [ORIGIN] });
    for (const headers of [{}, { origin: 'https://evil.example.com' }])
      expect((await ask(headers)).headers.vary).toBe('Origin');
    expect((await (await edge()).ask()).headers.vary).toBeUndefined();
  });

  it('allows nothing to other origins, and everything to all by *', async () => {
    const { ask } = await edge({ corsOrigins: [ORIGIN] });
    for (const answer of [
      await ask({ origin: 'https://evil.example.com' }),
      await ask({}),
      await ask(preflight('null'), '/', 'OPTIONS'),
    ]) {
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    const open = await edge({ corsOrigins: ['*'] });
    expect((await open.ask({ origin: 'https://any.example.com' })).headers['access-control-allow-origin']).toBe('*');
  });
});

describe('a page of another origin', () => {
  const post = (origin: string) => ({ origin, 'content-type': 'text/plain', 'content-length': '0' });

  it.each(['https://evil.example.com', 'null', 'http://127.0.0.1'])('%s may change nothing', async (origin) => {
    const { ask } = await edge();
    const refused = await ask(post(origin), '/v1/x', 'POST');
    expect(refused.status).toBe(403);
    expect(refused.body).toContain(`pages of ${origin} may not call this gateway`);
    expect((await ask({ origin })).status).toBe(200);
  });

  it('may change nothing if its scheme is another', async () => {
    const { ask } = await edge();
    const host = 'localhost:1';
    for (const [origin, scheme] of [
      [`https://${host}`],
      [`http://${host}`, 'https'],
      [`http://${host}`, 'https, http'],
      [`http://${host}`, ''],
    ] as const) {
      const sent = { ...post(origin), host, ...(scheme !== undefined && { 'x-forwarded-proto': scheme }) };
      expect([origin, scheme, (await ask(sent, '/v1/x', 'POST')).status]).toEqual([origin, scheme, 403]);
    }
  });

  it('may if it is listed, and so may those of the gateway itself and programs', async () => {
    const { ask } = await edge({ corsOrigins: ['https://app.example.com'] });
    expect((await ask(post('https://app.example.com'), '/v1/x', 'POST')).status).toBe(200);
    expect((await ask({ 'content-length': '0' }, '/v1/x', 'POST')).status).toBe(200);
    const own = { ...post('http://localhost:1'), host: 'localhost:1' };
    expect((await ask(own, '/v1/x', 'POST')).status).toBe(200);
    const behindProxy = { ...post('https://localhost'), host: 'localhost:443', 'x-forwarded-proto': 'https' };
    expect((await ask(behindProxy, '/v1/x', 'POST')).status).toBe(200);
    const open = await edge({ corsOrigins: ['*'] });
    expect((await open.ask(post('https://evil.example.com'), '/v1/x', 'POST')).status).toBe(200);
  });
});

it('a request whose client left has not failed', () => {
  const watch = { method: 'GET', path: '/v1/x:watch', version: '1.1', secure: false, status: 200 } as const;
  expect(outcomeOf(watch, true)).toMatchObject({ attributes: { 'rondo.client_left': true }, fault: undefined });
  expect(outcomeOf({ ...watch, status: 503 }, true).fault).toBe('503');
});

describe('the access log', () => {
  it('has a sample of the requests, without their queries, and counts the others', async () => {
    let now = 0;
    const { ask, lines } = await edge({ clock: { ...systemClock, now: () => now } });
    for (let request = 0; request < 12; request += 1) await ask();
    expect(lines).toHaveLength(10);
    expect(lines[0]).toMatchObject({
      message: 'request',
      fields: { method: 'GET', path: '/v1/x', status: 200, client: '127.0.0.1', version: '1.1' },
    });
    expect(JSON.stringify(lines)).not.toContain('secret');
    now = 1_000;
    await ask();
    expect(lines.at(-1)).toMatchObject({ fields: { leftOut: 2 } });
  });
});
