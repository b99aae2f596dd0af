import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Authority } from '@rondo/certificates';
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
  ['the tunnel', true],
])('over %s', (_, tunnel) => {
  it('a call tells on whose behalf it is made, and through which process', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const client = system.clientOf(server, await system.processOf('front'), { tunnel });
    for (let call = 0; call < 3; call += 1) {
      const { subject, issuer, scopes, actors } = await client.read({}, { principal: ada });
      expect({ subject, issuer, scopes, actors }).toEqual({ ...ada, actors: [FRONT] });
    }
    for await (const { subject } of client.follow({}, { principal: ada })) expect(subject).toBe('ada');
    expect(await client.write({ requestId: 'a' }, { principal: ada })).toMatchObject({ subject: 'ada' });
  });

  it('a call without a principal has none, on a connection on which others have', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const client = system.clientOf(server, await system.processOf('front'), { tunnel });
    await client.read({}, { principal: ada });
    expect(await client.open({})).toMatchObject({ subject: '' });
    expect((await failureOf(client.read({}))).code).toBe(Status.UNAUTHENTICATED);
    expect(await client.read({}, { principal: { ...ada, subject: 'bob' } })).toMatchObject({ subject: 'bob' });
  });

  it('the calls of a handler are made on behalf of the same principal, signed anew', async () => {
    const [sales, ledger] = await Promise.all([system.processOf('sales'), system.processOf('ledger')]);
    const last = system.clientOf(await system.serve(ledger), sales, { tunnel });
    const server = await system.serve(sales, { onRead: () => last.read({}) });
    const client = system.clientOf(server, await system.processOf('front'), { tunnel });
    expect(await client.read({}, { principal: ada })).toMatchObject({ subject: 'ada', actors: [SALES, FRONT] });
  });

  it('a standing connection goes on after its process has a new certificate, and so does the next one', async () => {
    const server = await system.serve(await system.processOf('sales'));
    const folder = await system.folderOf('front');
    const front = mutualTlsIn(folder, { servedBy: () => ['sales'] });
    const client = system.clientOf(server, front, { tunnel });
    await client.open({});
    const { current } = front.identity;
    folder.write(await certify(authority, 'front'));
    await front.identity.check();
    expect(front.identity.current).not.toBe(current);
    expect(await client.read({}, { principal: { ...ada, subject: 'bob' } })).toMatchObject({ subject: 'bob' });
    const next = system.clientOf(server, front, { tunnel });
    expect(await next.read({}, { principal: ada })).toMatchObject({ subject: 'ada', actors: [FRONT] });
  });
});
