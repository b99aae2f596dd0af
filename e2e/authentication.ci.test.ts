/**
 * `npm start -- --auth`: what a person or program outside of the system may do, by its token or API key. Each call that is
 * refused leaves an event in the audit of its service, or a line in the gateway's log.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ListAuditEventsRequest, ListAuditEventsResponse } from '@rondo/contracts/rondo/audit/v1/audit';
import { GetCallStatsResponse } from '@rondo/contracts/rondo/stats/v1/stats';
import { AdjustStockRequest } from '@rondo/contracts/sales/v1/products';
import { eventually, type System, startSystem } from '@rondo/harness';
import { Status } from '@rondo/rpc/status';
import { ask, askGrpc, askJson } from './src/front-door.js';

const LIST = '/sales.v1.ProductService/ListProducts';
const CREATE = '/sales.v1.CustomerService/CreateCustomer';
const FEED = '/sales.v1.ProductService/WatchProductChanges';
const STATS = '/rondo.stats.v1.CallStatsService/GetCallStats';
const TRACES = '/rondo.tracing.v1.TraceService/ListTraces';
const AUDIT = '/rondo.audit.v1.AuditService/ListAuditEvents';
const { UNAUTHENTICATED, PERMISSION_DENIED } = Status;

let system: System;
let sales: string;
let products: string;
let key: KeyObject;
let other: KeyObject;

beforeAll(async () => {
  system = await startSystem({ auth: true });
  sales = `https://${system.address(3)}`;
  products = `http://${system.address(20)}/v1/products`;
  key = createPrivateKey(readFileSync(join(system.data, 'auth', 'issuer.key')));
  other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
});
afterAll(async () => {
  await system.stop();
  system.remove();
});

const run = async (...args: readonly string[]) => (await system.rondo(...args, '--data', system.data)).stdout.trim();

it('says where it starts how to get a token', () => {
  const [, command = ''] = /^Callers need a token: (.*)$/m.exec(system.banner) ?? [];
  expect(command).toContain(`./rondo token --as NAME --scopes LIST --data ${system.data}`);
});

const now = () => Math.floor(Date.now() / 1_000);
const claims = (changed: object = {}) => ({
  iss: 'rondo-development',
  aud: 'rondo',
  sub: 'mallory',
  scope: 'sales.read',
  iat: now(),
  exp: now() + 600,
  ...changed,
});
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const HEADER = { alg: 'ES256', kid: 'development', typ: 'at+jwt' };

/** A token by the development issuer, unless a part of it is another. */
function token({ changed, header, by = key }: { changed?: object; header?: object; by?: KeyObject } = {}): string {
  const input = `${encoded({ ...HEADER, ...header })}.${encoded(claims(changed))}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key: by, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

/** Credentials that are never good. The plugin's token-attacks.test.ts has all faults of a token. */
const CREDENTIALS: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'text for a token': () => bearer('hunter2'),
  'a token signed by another key': () => bearer(token({ by: other })),
  'an expired token': () => bearer(token({ changed: { exp: now() - 120 } })),
  'an unknown API key': () => ({ 'x-api-key': `rondo_0123456789ab_${'A'.repeat(43)}` }),
};

type Attack = readonly [
  name: string,
  headers: () => Readonly<Record<string, string>>,
  to?: { readonly path?: string; readonly as?: string; readonly code?: Status },
];

/** Each by a caller with a certificate, at the port of sales itself. */
const ATTACKS: readonly Attack[] = [
  ...Object.entries(CREDENTIALS),
  ['no credentials', () => ({})],
  ['no credentials from a service', () => ({}), { as: 'gateway' }],
  [
    'a scope of another service',
    () => bearer(token({ changed: { scope: 'projects.read' } })),
    { code: PERMISSION_DENIED },
  ],
  ['the right to read, for a write', () => bearer(token()), { path: CREATE, code: PERMISSION_DENIED }],
  ['the right to read, for the audit', () => bearer(token()), { path: AUDIT, code: PERMISSION_DENIED }],
  [
    'a scope that begins like the right one',
    () => bearer(token({ changed: { scope: 'sales.reader' } })),
    { code: PERMISSION_DENIED },
  ],
  ['scopes in a header', () => ({ 'x-scopes': 'sales.read', 'x-subject': 'root' })],
  ['an assertion of a person', () => ({ 'rondo-principal': token({ header: { typ: 'rondo-principal+jwt' } }) })],
  ['an assertion by a key of no process', () => ({ 'rondo-principal': token({ by: other }) }), { as: 'gateway' }],
];

const traces = new Map<string, string>();

/** A trace of its own for each call, by which the audit is searched. */
function traced(name: string) {
  const trace = (traces.size + 1).toString(16).padStart(32, 'a');
  traces.set(name, trace);
  return { trace, headers: { traceparent: `00-${trace}-0123456789abcdef-01` } };
}

const certificateOf = (name: string) => {
  const file = (which: string) => readFileSync(join(system.data, 'certs', name, which));
  return { ca: file('ca.crt'), cert: file('tls.crt'), key: file('tls.key'), checkServerIdentity: () => undefined };
};

describe('a call to a service with', () => {
  it.each(ATTACKS)(
    '%s is refused',
    async (name, headers, { path = LIST, as = 'person', code = UNAUTHENTICATED } = {}) => {
      const call = { headers: { ...headers(), ...traced(name).headers }, tls: certificateOf(as) };
      expect(await askGrpc(sales, path, call)).toMatchObject({ code });
    },
  );

  it('good credentials is answered', async () => {
    const call = { headers: bearer(token()), tls: certificateOf('person') };
    expect(await askGrpc(sales, LIST, call)).toMatchObject({ code: Status.OK });
  });

  it.each([
    ['sales.read', PERMISSION_DENIED],
    ['traces.read', Status.OK],
  ])('the scope %s may not read its traces unless it is for that: %s', async (scope, code) => {
    const call = { headers: bearer(token({ changed: { scope } })), tls: certificateOf('person') };
    expect(await askGrpc(sales, TRACES, call)).toMatchObject({ code });
  });

  it('any of these has one event in the audit, with its method and its outcome', async () => {
    const events = await eventually(async () => {
      const headers = bearer(token({ changed: { sub: 'root', scope: 'audit.read' } }));
      const message = ListAuditEventsRequest.encode(ListAuditEventsRequest.fromPartial({ pageSize: 100 })).finish();
      const { body } = await askGrpc(sales, AUDIT, { message, headers, tls: certificateOf('person') });
      const found = ListAuditEventsResponse.decode(body.subarray(5)).events;
      expect(found.map(({ traceId }) => traceId)).toEqual(expect.arrayContaining([...traces.values()]));
      return found;
    });
    for (const [name, , { path = LIST, code = UNAUTHENTICATED } = {}] of ATTACKS) {
      const own = events.filter(({ traceId }) => traceId === traces.get(name));
      expect({ name, own }).toEqual({ name, own: [expect.objectContaining({ method: path, code })] });
    }
  });
});

it('a gateway keeps answers, and follows the feed by which they end; to others the feed is closed', async () => {
  const writer = bearer(token({ changed: { scope: 'sales.read sales.write' } }));
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = { title: 'Kept', sku: 'K-1', unitPrice, stock: '5', deliveryEffortMinutes: '60' };
  const { name } = (await askJson(products, product, { headers: writer })).json() as { readonly name: string };
  const read = async (headers: Readonly<Record<string, string>> = writer) =>
    ask(`http://${system.address(20)}/v1/${name}`, { headers });
  /** How many times sales was asked for a product. */
  const asked = async () => {
    const { body } = await askGrpc(sales, STATS, { tls: certificateOf('person') });
    const { methods } = GetCallStatsResponse.decode(body.subarray(5));
    return Number(methods.find(({ method }) => method === 'GetProduct')?.begun ?? 0);
  };
  // The first call opens the feed; answers are kept from its first message on.
  await eventually(async () => {
    await read();
    const before = await asked();
    await read();
    expect(await asked()).toBe(before);
  });
  const before = await asked();
  for (let call = 0; call < 20; call += 1) expect((await read()).status).toBe(200);
  expect(await asked()).toBe(before);
  // The gateway learns by the feed alone of a change that another caller makes.
  const message = AdjustStockRequest.encode(AdjustStockRequest.fromPartial({ name, delta: 2n })).finish();
  const change = { message, headers: writer, tls: certificateOf('person') };
  expect(await askGrpc(sales, '/sales.v1.ProductService/AdjustStock', change)).toMatchObject({ code: Status.OK });
  await eventually(async () => expect((await read()).json()).toMatchObject({ stock: '7' }));
  // A kept answer is given to its principal alone, and the feed only to those with the scope.
  const stranger = bearer(token({ changed: { scope: 'projects.read' } }));
  const statuses = async (url: string) => [(await ask(url)).status, (await ask(url, { headers: stranger })).status];
  expect([(await read({})).status, (await read(stranger)).status]).toEqual([401, 403]);
  expect(await statuses(`${products}:watchChanges`)).toEqual([401, 403]);
  for (const as of ['person', 'gateway']) {
    expect(await askGrpc(sales, FEED, { tls: certificateOf(as) })).toMatchObject({ code: UNAUTHENTICATED });
  }
});

it('a cancelled order releases its project, which its salesperson may not see', async () => {
  const gateway = `http://${system.address(20)}/v1`;
  const scopes = 'sales.read,sales.write,projects.read,projects.write';
  const [seller, admin] = await Promise.all([
    run('token', '--as', 'ada', '--scopes', scopes),
    run('token', '--as', 'root', '--scopes', `${scopes},sales.admin,projects.admin`),
  ]);
  const post = async (path: string, body: unknown, token = seller) => {
    const { status, text, json } = await askJson(`${gateway}/${path}`, body, { headers: bearer(token) });
    expect([status, text]).toEqual([200, text]);
    return json() as { readonly name: string; readonly order: { readonly name: string; readonly project: string } };
  };
  const member = { displayName: 'Bo', email: 'bo@example.com', weeklyCapacityMinutes: '2400', team: 'red' };
  await post('members', member, admin);
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = await post(
    'products',
    { title: 'P', sku: 'P-1', unitPrice, stock: '5', deliveryEffortMinutes: '60' },
    admin,
  );
  const customer = await post('customers', { displayName: 'C', email: 'c@example.com' });
  const quote = await post('quotes', {
    customer: customer.name,
    lines: [{ product: product.name, quantity: '1' }],
  });
  const { order } = await post(`${quote.name}:accept`, {});
  const state = async () => (await ask(`${gateway}/${order.project}`, { headers: bearer(admin) })).json();
  expect(await state()).toMatchObject({ state: 'PROJECT_STATE_PLANNED' });
  await post(`${order.name}:cancel`, {});
  await eventually(async () => expect(await state()).toMatchObject({ state: 'PROJECT_STATE_ARCHIVED' }));
});
