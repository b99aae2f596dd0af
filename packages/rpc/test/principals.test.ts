import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Authority } from '@rondo/certificates';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import type { Principal } from '../src/exports/call.js';
import { Status } from '../src/exports/status.js';
import { failureOf } from '../src/testing/failure-of.js';
import { certify, mutualTlsIn, newAuthority } from './support/identities.js';
import { ada, SecuredSystem } from './support/secured.js';

let authority: Authority;
let system: SecuredSystem;
beforeAll(async () => {
  authority = await newAuthority();
  system = new SecuredSystem(authority);
});
afterEach(() => system.close());

const FRONT = 'spiffe://rondo.test/front';
const SALES = 'spiffe://rondo.test/sales';

describe.each([
  ['grpc', false],
  ['frames', true],
])('over %s', (_, frames) => {
  it('a call tells on whose behalf it is made, and through which process', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const client = system.clientOf(server, await system.processOf('front'), { frames });
    for (let call = 0; call < 3; call += 1) {
      const { subject, issuer, scopes, actors } = await client.read({}, { principal: ada });
      expect({ subject, issuer, scopes, actors }).toEqual({ ...ada, actors: [FRONT] });
    }
    for await (const { subject } of client.follow({}, { principal: ada })) expect(subject).toBe('ada');
    expect(await client.write({ requestId: 'a' }, { principal: ada })).toMatchObject({ subject: 'ada' });
  });

  it('a call without a principal has none, on a connection on which others have', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const client = system.clientOf(server, await system.processOf('front'), { frames });
    await client.read({}, { principal: ada });
    expect(await client.open({})).toMatchObject({ subject: '' });
    expect((await failureOf(client.read({}))).code).toBe(Status.UNAUTHENTICATED);
    expect(await client.read({}, { principal: { ...ada, subject: 'bob' } })).toMatchObject({ subject: 'bob' });
  });

  it('a principal with more scopes than an assertion takes fails its call, and no other', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const client = system.clientOf(server, await system.processOf('front'), { frames });
    const stream = client.follow({}, { principal: ada })[Symbol.asyncIterator]();
    expect((await stream.next()).value).toMatchObject({ subject: 'ada' });
    const principal = { ...ada, scopes: ['secured.read', 'x'.repeat(12 * 1024)] };
    expect(await failureOf(client.read({}, { principal }))).toMatchObject({
      code: Status.FAILED_PRECONDITION,
      message: expect.stringContaining('fewer scopes'),
    });
    expect(await stream.next()).toMatchObject({ done: true });
  });

  it('the calls of a handler are made on behalf of the same principal, signed anew', async () => {
    const [sales, ledger] = await Promise.all([system.processOf('sales'), system.processOf('ledger')]);
    const last = system.clientOf(await system.serve(ledger), sales, { frames });
    const server = await system.serve(sales, { onRead: () => last.read({}) });
    const client = system.clientOf(server, await system.processOf('front'), { frames });
    expect(await client.read({}, { principal: ada })).toMatchObject({ subject: 'ada', actors: [SALES, FRONT] });
  });

  it("a stream ends when the credentials of its principal expire, also of a process behind the caller's", async () => {
    const [sales, ledger] = await Promise.all([system.processOf('sales'), system.processOf('ledger')]);
    const last = system.clientOf(await system.serve(ledger, { endless: true }), sales, { frames });
    const seen: string[] = [];
    const follow = async (principal?: Principal) => {
      for await (const { subject } of last.follow({}, { principal })) seen.push(subject);
    };
    const onRead = async () => {
      const { code, message } = await failureOf(follow());
      return { subject: message, issuer: String(code), scopes: [], actors: [] };
    };
    const server = await system.serve(sales, { onRead });
    const client = system.clientOf(server, await system.processOf('front'), { frames });
    const expireTime = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000);
    const lasting = follow({ ...ada, subject: 'eve' });
    const expired = await failureOf(follow({ ...ada, subject: 'bob', expireTime }));
    expect(expired.code).toBe(Status.UNAUTHENTICATED);
    expect(expired.detail(ErrorInfo)).toMatchObject({
      reason: 'AUTH_CREDENTIALS_EXPIRED',
      metadata: { subject: 'bob' },
    });
    expect(expired.message).toContain(`the credentials of bob expired at ${expireTime.toISOString()}`);
    const behind = await client.read({}, { principal: { ...ada, expireTime: new Date(Date.now() + 1_000) } });
    expect(behind).toMatchObject({ subject: expect.stringContaining('the credentials of ada expired'), issuer: '16' });
    expect(seen.sort()).toEqual(['ada', 'bob', 'eve']);
    // The credentials of unknown end are still good.
    expect(await Promise.race([lasting, 'open'])).toBe('open');
    lasting.catch(() => undefined);
  });

  it('a standing connection goes on after its process has a new certificate, and so does the next one', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const folder = await system.folderOf('front');
    const front = mutualTlsIn(folder, { servedBy: () => ['sales'] });
    const client = system.clientOf(server, front, { frames });
    await client.open({});
    const { current } = front.identity;
    folder.write(await certify(authority, 'front'));
    await front.identity.check();
    expect(front.identity.current).not.toBe(current);
    expect(await client.read({}, { principal: { ...ada, subject: 'bob' } })).toMatchObject({ subject: 'bob' });
    const next = system.clientOf(server, front, { frames });
    expect(await next.read({}, { principal: ada })).toMatchObject({ subject: 'ada', actors: [FRONT] });
  });
});
