import { afterEach, describe, expect, it } from '@jest/globals';
import { BadRequest } from '@rondo/contracts/google/rpc/error_details';
import { OperatorState, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { refusal, SALES, sales, start, stopAll } from './started-registry.js';

afterEach(stopAll);

/** The fields that a call was refused for. */
async function violations(call: Promise<unknown>): Promise<readonly string[]> {
  const error = await refusal(call);
  expect(error.codeName).toBe('INVALID_ARGUMENT');
  return error.detail(BadRequest)?.fieldViolations.map(({ field }) => field) ?? [];
}

describe('a bad request', () => {
  it('is refused with all its violations', async () => {
    const { registry } = start();
    const long = 'x'.repeat(300);
    const worst = {
      instanceId: 'no spaces',
      incarnation: 0n,
      endpoints: [{ address: 'nowhere', protocols: Array.from({ length: 9 }, () => 1), security: 0 }],
      services: ['not-a-service', 'not-a-service'],
      zone: 'eu',
      version: long,
      weight: 1001,
      metadata: { [long]: 'a', b: long },
      fingerprints: { 'sales.v1.Other': 'a' },
      status: 77,
    };
    expect(await violations(registry.register({ instance: worst, ttl: { seconds: 2n, nanos: 999_999_999 } }))).toEqual([
      'ttl',
      'instance.status',
      'instance.instance_id',
      'instance.incarnation',
      'instance.endpoints[0].address',
      'instance.endpoints[0].protocols',
      'instance.endpoints[0].security',
      'instance.services',
      'instance.services[0]',
      'instance.services[1]',
      'instance.zone',
      'instance.version',
      'instance.weight',
      'instance.metadata',
      'instance.metadata["b"]',
      'instance.fingerprints',
    ]);
    expect((await registry.listInstances({})).instances).toEqual([]);
  });

  it.each([
    ['no instance', { instance: undefined }, ['instance']],
    ['no endpoint', { instance: sales({ endpoints: [] }) }, ['instance.endpoints']],
    [
      'too many endpoints',
      { instance: sales({ endpoints: Array.from({ length: 9 }, () => endpoint('a:1')) }) },
      ['instance.endpoints'],
    ],
    ['no service', { instance: sales({ services: [] }) }, ['instance.services']],
    [
      'too many services',
      { instance: sales({ services: Array.from({ length: 65 }, (_, i) => `s${i}`) }) },
      ['instance.services'],
    ],
    ['no status', { instance: sales({ status: 0 }) }, ['instance.status']],
    ['too many labels', { instance: sales({ metadata: labels(33, 1) }) }, ['instance.metadata']],
    ['a label with an escape', { instance: sales({ metadata: { a: '\u001b[2K' } }) }, ['instance.metadata["a"]']],
    ['a label with a direction mark', { instance: sales({ metadata: { a: '\u202e' } }) }, ['instance.metadata["a"]']],
    ['a key with a line break', { instance: sales({ metadata: { 'a\nb': '' } }) }, ['instance.metadata']],
    ['a negative weight', { instance: sales({ weight: -1 }) }, ['instance.weight']],
    ['a negative sequence', { instance: sales(), sequence: -1n }, ['sequence']],
    ['a secret that could be guessed', { instance: sales(), secret: Buffer.alloc(15) }, ['secret']],
    ['too long a secret', { instance: sales(), secret: Buffer.alloc(65) }, ['secret']],
    ['a version with a line break', { instance: sales({ version: '1\n2' }) }, ['instance.version']],
    ['a zone with a control character', { instance: sales({ zone: 'eu/\u001b' }) }, ['instance.zone']],
    ['too long a TTL', { instance: sales(), ttl: { seconds: 600n, nanos: 1 } }, ['ttl']],
    ['too long an id', { instance: sales({ instanceId: 'x'.repeat(129) }) }, ['instance.instance_id']],
    ['too long a fingerprint', fingerprinted('x'.repeat(65)), [`instance.fingerprints["${SALES}"]`]],
    ['an empty fingerprint', fingerprinted(''), [`instance.fingerprints["${SALES}"]`]],
    ['a fingerprint with a space', fingerprinted('3f 2a'), [`instance.fingerprints["${SALES}"]`]],
    [
      'too much text in services and their fingerprints',
      { instance: sales({ services: long(64), fingerprints: Object.fromEntries(long(64).map((s) => [s, 'f'])) }) },
      ['instance'],
    ],
    [
      'too much text',
      {
        instance: sales({
          services: Array.from({ length: 64 }, (_, i) => `s${i}${'x'.repeat(250)}`),
          metadata: labels(32, 64),
        }),
      },
      ['instance'],
    ],
  ])('of %s is refused', async (_name, request, fields) => {
    const { registry } = start();
    expect(await violations(registry.register(request))).toEqual(fields);
  });

  it.each([
    '',
    'a',
    'a:',
    'a:0',
    'a:65536',
    ':1',
    '::1:1',
    '[::1]',
    'http://a:1',
    'a b:1',
    'unix:a',
    'unix:',
    `${'a'.repeat(254)}:1`,
    'a\u001b:1',
    'unix:/a\u202e',
  ])('with the address %p is refused', async (address) => {
    const { registry } = start();
    const request = { instance: sales({ endpoints: [endpoint(address)] }) };
    expect(await violations(registry.register(request))).toEqual(['instance.endpoints[0].address']);
  });

  it.each([
    { seconds: 0n, nanos: 0 },
    { seconds: -1n, nanos: 0 },
    { seconds: 0n, nanos: 99_999_999 },
    { seconds: 30n * 86_400n, nanos: 1 },
    { seconds: 2n ** 63n - 1n, nanos: 0 },
  ])('with pings every %j is refused', async (minPingInterval) => {
    const { registry } = start();
    const request = { instance: sales({ endpoints: [{ ...endpoint('a:1'), minPingInterval }] }) };
    expect(await violations(registry.register(request))).toEqual(['instance.endpoints[0].min_ping_interval']);
  });

  it.each([
    { seconds: 0n, nanos: 100_000_000 },
    { seconds: 30n * 86_400n, nanos: 0 },
  ])('but pings every %j are accepted and listed', async (minPingInterval) => {
    const { registry } = start();
    await registry.register({ instance: sales({ endpoints: [{ ...endpoint('a:1'), minPingInterval }] }) });
    const { instances } = await registry.listInstances({});
    expect(instances[0]?.endpoints[0]?.minPingInterval).toEqual(minPingInterval);
  });

  it.each(['a:1', 'project_management:50052', '10.0.0.1:65535', '[::1]:1', 'unix:/run/a.sock'])(
    'but the address %p is accepted',
    async (address) => {
      const { registry } = start();
      await registry.register({ instance: sales({ endpoints: [endpoint(address)] }) });
    },
  );

  it('for a lease, an update, a list or a watch is refused, too', async () => {
    const { registry } = start();
    const lease = { leaseId: '1-a', instanceId: 'sales-1' };
    expect(await violations(registry.renew({}))).toEqual(['lease_id', 'instance_id']);
    const deregistration = { leaseId: 'x'.repeat(129), sequence: -1n };
    expect(await violations(registry.deregister(deregistration))).toEqual(['lease_id', 'instance_id', 'sequence']);
    for (const updateMask of [undefined, [], ['zone'], ['weight', 'zone'], ['metadata.a'], ['*']]) {
      const request = { ...lease, weight: 1, ...(updateMask && { updateMask }) };
      expect(await violations(registry.update(request))).toEqual(['update_mask']);
    }
    const worst = { weight: 1001, metadata: labels(33, 1), updateMask: ['status', 'weight', 'metadata'] };
    expect(await violations(registry.update({ ...lease, ...worst }))).toEqual(['status', 'weight', 'metadata']);
    const escaped = { metadata: { a: '\u0007' }, updateMask: ['metadata'] };
    expect(await violations(registry.update({ ...lease, ...escaped }))).toEqual(['metadata["a"]']);
    const list = { service: 'no service', pageSize: -1, pageToken: '%' };
    expect(await violations(registry.listInstances(list))).toEqual(['service', 'page_size', 'page_token']);
    expect(await violations(registry.listInstances({ pageSize: 1001 }))).toEqual(['page_size']);
    const token = { pageToken: Buffer.from('x'.repeat(193)).toString('base64url') };
    expect(await violations(registry.listInstances(token))).toEqual(['page_token']);
    const watch = registry.watch({ service: 'no service' })[Symbol.asyncIterator]();
    expect(await violations(watch.next())).toEqual(['service']);
  });

  it('of an operator is refused with all its violations, too', async () => {
    const { registry } = start();
    await registry.register({ instance: sales() });
    const worst = { instanceId: 'no spaces', state: 77, reason: 'x'.repeat(257) };
    expect(await violations(registry.setOperatorState(worst))).toEqual(['instance_id', 'state', 'reason']);
    expect(await violations(registry.setOperatorState({ ...worst, reason: 'a\nb' }))).toContain('reason');
    const said = { instanceId: 'sales-1', reason: 'x'.repeat(256) };
    expect(await violations(registry.setOperatorState(said))).toEqual(['state']);
    await registry.setOperatorState({ ...said, state: OperatorState.OPERATOR_STATE_CORDONED });
  });

  it('includes an update that leaves an instance with too much text, and it changes nothing', async () => {
    const { registry } = start({ services: 64 });
    const { leaseId } = await registry.register({ instance: sales({ services: long(60) }), sequence: 1n });
    const lease = { leaseId, instanceId: 'sales-1', updateMask: ['metadata'] };
    const metadata = Object.fromEntries(Array.from({ length: 32 }, (_, key) => [`k${key}`, 'x'.repeat(200)]));
    expect(await violations(registry.update({ ...lease, metadata, sequence: 9n }))).toEqual(['metadata']);
    const { instance } = await registry.update({ ...lease, metadata: { a: 'b' }, sequence: 2n });
    expect(instance?.metadata).toEqual({ a: 'b' });
  });
});

function endpoint(address: string) {
  return { address, protocols: [], security: Security.SECURITY_PLAINTEXT, minPingInterval: undefined };
}

function fingerprinted(fingerprint: string) {
  return { instance: sales({ fingerprints: { [SALES]: fingerprint } }) };
}

/** Names of services that fit into an instance once, but not twice. */
function long(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `s${index}.${'x'.repeat(200)}`);
}

function labels(count: number, keyLength: number): Record<string, string> {
  const entries = Array.from({ length: count }, (_, i) => [String(i).padEnd(keyLength, 'k'), 'v'.repeat(keyLength)]);
  return Object.fromEntries(entries);
}
