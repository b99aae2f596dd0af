/** `npm start -- --auth`: each call that is refused leaves an event in the audit of its service, or a line in the gateway's log. */
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ListAuditEventsRequest, ListAuditEventsResponse } from '@rondo/contracts/rondo/audit/v1/audit';
import { eventually, type System, startSystem } from '@rondo/harness';
import { Status } from '@rondo/rpc/status';
import { ask, askGrpc } from './src/front-door.js';

const LIST = '/sales.v1.ProductService/ListProducts';
const CREATE = '/sales.v1.CustomerService/CreateCustomer';
const AUDIT = '/rondo.audit.v1.AuditService/ListAuditEvents';
const { UNAUTHENTICATED, PERMISSION_DENIED } = Status;

let system: System;
let sales: string;
let key: KeyObject;
let other: KeyObject;
let revoked: string;

beforeAll(async () => {
  system = await startSystem({ auth: true });
  sales = `https://${system.address(3)}`;
  key = createPrivateKey(readFileSync(join(system.data, 'auth', 'issuer.key')));
  other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const created = JSON.parse(await run('keys', 'create', '--as', 'ci', '--scopes', 'sales.read', '--json'));
  await run('keys', 'revoke', created.id);
  revoked = created.key;
  // Services look at the file of the keys every 2 s.
  await eventually(async () => {
    const headers = { 'x-api-key': revoked };
    expect(await askGrpc(sales, LIST, { headers, tls: certificateOf('person') })).toMatchObject({
      code: UNAUTHENTICATED,
    });
  });
});
afterAll(async () => {
  await system.stop();
  system.remove();
});

const run = async (...args: readonly string[]) => (await system.rondo(...args, '--data', system.data)).stdout.trim();

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

function byHmac(): string {
  const input = `${encoded({ ...HEADER, alg: 'HS256' })}.${encoded(claims())}`;
  const secret = createPublicKey(key).export({ format: 'pem', type: 'spki' });
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

function withOtherClaims(): string {
  const [header, , signature] = token().split('.');
  return `${header}.${encoded(claims({ scope: 'sales.read sales.admin' }))}.${signature}`;
}

const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

/** Credentials that are never good. */
const CREDENTIALS: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'text for a token': () => bearer('hunter2'),
  'a token for another audience': () => bearer(token({ changed: { aud: 'bank' } })),
  'a token of another issuer': () => bearer(token({ changed: { iss: 'https://login.example.com' } })),
  'a token signed by another key': () => bearer(token({ by: other })),
  'a token with other claims than were signed': () => bearer(withOtherClaims()),
  'an expired token': () => bearer(token({ changed: { exp: now() - 120 } })),
  'a token that is not valid yet': () => bearer(token({ changed: { nbf: now() + 600 } })),
  'a token without an end': () => bearer(token({ changed: { exp: undefined } })),
  'a token without a subject': () => bearer(token({ changed: { sub: undefined } })),
  'alg none': () => bearer(`${encoded({ alg: 'none' })}.${encoded(claims())}.`),
  'HS256 by the public key': () => bearer(byHmac()),
  'a kid that is a path': () => bearer(token({ header: { kid: '../../dev/null' } })),
  'a key in the token': () =>
    bearer(token({ header: { jwk: createPublicKey(other).export({ format: 'jwk' }) }, by: other })),
  'an assertion as a token': () => bearer(token({ header: { typ: 'rondo-principal+jwt' } })),
  'an unknown API key': () => ({ 'x-api-key': `rondo_0123456789ab_${'A'.repeat(43)}` }),
  'a revoked API key': () => ({ 'x-api-key': revoked }),
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

// The log has at most ten lines a second of requests that are refused, and how many were left out.
const SOME = Object.entries(CREDENTIALS).filter((_, index) => index % 2 === 0);

describe('a request to the gateway with', () => {
  it.each(SOME)('%s is refused, and has a line in its log', async (name, headers) => {
    const { trace, headers: of } = traced(`${name}, at the gateway`);
    const answer = await ask(`http://${system.address(20)}/v1/products`, { headers: { ...headers(), ...of } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    await eventually(() => expect(system.log('gateway-1')).toContain(trace));
  });
});
