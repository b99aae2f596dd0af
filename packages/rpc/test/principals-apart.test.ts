import { describe, expect, it } from '@jest/globals';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { callPrincipal, type Principal } from '../src/exports/call.js';
import { createClient } from '../src/exports/client.js';
import { Status } from '../src/exports/status.js';
import { failureOf } from '../src/testing/failure-of.js';
import { createMemoryOutcomes } from '../src/testing/memory-outcomes.js';
import { createTestChannel, standIn } from '../src/testing/test-channel.js';

const FRONT = 'spiffe://rondo.test/front';
const ada: Principal = { subject: 'ada', issuer: 'test', scopes: ['secured.read', 'secured.write'], actors: [] };
const others: readonly Principal[] = [
  { ...ada, subject: 'bob' },
  { ...ada, issuer: 'other' },
  { ...ada, subject: `ada","test` },
  { ...ada, subject: 'a'.repeat(255), issuer: 'i'.repeat(1_000) },
];

describe('what belongs to one caller', () => {
  it('is the outcome of an idempotency key: the same key of another principal, or process, is another key', async () => {
    const outcomes = createMemoryOutcomes();
    let handled = 0;
    const clientOf = (identity: string) => {
      const write = (
        _: unknown,
        { values }: { readonly values: { get(key: typeof callPrincipal): Principal | undefined } },
      ) => {
        handled += 1;
        return { subject: values.get(callPrincipal)?.subject ?? '' };
      };
      const services = [standIn(SecuredServiceDefinition, { write })];
      return createClient(SecuredServiceDefinition, { channel: createTestChannel({ services, outcomes, identity }) });
    };
    const client = clientOf(FRONT);
    for (const principal of [ada, ...others, ada, ...others]) {
      const { subject } = await client.write({ requestId: 'a' }, { principal });
      expect(subject).toBe(principal.subject);
    }
    expect(handled).toBe(1 + others.length);
    await clientOf('spiffe://rondo.test/back').write({ requestId: 'a' }, { principal: ada });
    expect(handled).toBe(2 + others.length);
  });

  it('is a refusal: a principal that may not call learns nothing of the outcome of a key', async () => {
    const services = [standIn(SecuredServiceDefinition, { write: () => ({ subject: 'ada' }) })];
    const channel = createTestChannel({ services, identity: FRONT, authorize: true });
    const client = createClient(SecuredServiceDefinition, { channel });
    await client.write({ requestId: 'a' }, { principal: ada });
    const error = await failureOf(client.write({ requestId: 'a' }, { principal: { ...ada, scopes: [] } }));
    expect(error.code).toBe(Status.PERMISSION_DENIED);
  });

  it('is the bound of calls in flight: that of another principal is another one', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const read = async () => {
      await opened;
      return {};
    };
    const channel = createTestChannel({
      services: [standIn(SecuredServiceDefinition, { read })],
      identity: FRONT,
      admission: { maxCalls: { caller: 1 } },
    });
    const client = createClient(SecuredServiceDefinition, { channel });
    const first = client.read({}, { principal: ada });
    const bobs = client.read({}, { principal: { ...ada, subject: 'bob' } });
    const refused = await failureOf(client.read({}, { principal: ada, maxAttempts: 1 }));
    expect(refused.message).toContain('at most 1 calls of one caller at once');
    open();
    await Promise.all([first, bobs]);
  });
});
