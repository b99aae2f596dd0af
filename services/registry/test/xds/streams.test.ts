import { afterEach, describe, expect, it } from '@jest/globals';
import type { Any } from '@rondo/contracts/google/protobuf/any';
import { InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import {
  AggregatedDiscoveryServiceDefinition,
  ClusterLoadAssignment,
  type DiscoveryRequest,
  type DiscoveryResponse,
  HttpConnectionManager,
  Listener,
  XdsStatusServiceDefinition,
} from '@rondo/contracts/rondo/xds/v1/xds';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { createTestChannel } from '@rondo/rpc/testing';
import { until } from '../../../../packages/rpc/test/support/wait.js';
import { TYPES } from '../../src/xds/resources.js';
import { MAX_NAMES } from '../../src/xds/subscriptions.js';
import { refusal, SALES, SECRET, sales, start, stopAll } from '../started-registry.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await stopAll();
});

/** A registry with its log, and clients of it. */
function startXds(options: Parameters<typeof start>[0] = {}) {
  const warnings: object[] = [];
  const log = {
    ...silentLogger,
    warn: (fields: object, message: string) => void warnings.push({ ...fields, message }),
  };
  const started = start(options, log);
  const { app, clock, registry } = started;
  const channel = createTestChannel({ services: app.services, clock });
  closers.push(() => channel.close());
  const register = (port: number, part: Parameters<typeof sales>[0] = {}) => {
    const at = { address: `127.0.0.1:${port}`, protocols: [], security: Security.SECURITY_PLAINTEXT };
    const endpoints = [{ ...at, minPingInterval: undefined }];
    return registry.register({ instance: sales({ instanceId: `sales-${port}`, endpoints, ...part }), secret: SECRET });
  };
  const discovery = {
    ...AggregatedDiscoveryServiceDefinition,
    fullName: 'envoy.service.discovery.v3.AggregatedDiscoveryService',
  };
  const ads = createClient(discovery, { channel });
  return {
    ...started,
    warnings,
    register,
    status: createClient(XdsStatusServiceDefinition, { channel }),
    settings: createClient(SettingsServiceDefinition, { channel }),
    connect: () => new Client((requests) => ads.streamAggregatedResources(requests)),
  };
}

/** A client of the state-of-the-world protocol, one response at a time. */
class Client {
  readonly #responses: AsyncIterator<DiscoveryResponse>;
  readonly #requests: Partial<DiscoveryRequest>[] = [];
  #wake: () => void = () => undefined;
  #ended = false;
  readonly #nonces = new Map<string, string>();

  constructor(open: (requests: AsyncIterable<Partial<DiscoveryRequest>>) => AsyncIterable<DiscoveryResponse>) {
    this.#responses = open(this.#stream())[Symbol.asyncIterator]();
    closers.push(() => this.close());
  }

  ask(typeUrl: string, resourceNames: string[], more: Partial<DiscoveryRequest> = {}): void {
    const responseNonce = this.#nonces.get(typeUrl) ?? '';
    this.#requests.push({ node: NODE, typeUrl, resourceNames, responseNonce, ...more });
    this.#wake();
  }

  async next(): Promise<DiscoveryResponse> {
    const { done, value } = await this.#responses.next();
    if (done === true) throw new Error('the stream has ended');
    this.#nonces.set(value.typeUrl, value.nonce);
    return value;
  }

  /** The addresses of the next response, which must have endpoints. */
  async addresses(): Promise<readonly string[]> {
    const { typeUrl, resources } = await this.next();
    expect(typeUrl).toBe(TYPES.endpoints);
    return resources.flatMap(addressesOf).sort();
  }

  close(): void {
    this.#ended = true;
    this.#wake();
  }

  async *#stream() {
    for (let index = 0; !this.#ended; ) {
      const request = this.#requests[index];
      index += request === undefined ? 0 : 1;
      if (request !== undefined) yield request;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

const NODE = {
  id: 'shop-1',
  metadata: undefined,
  locality: undefined,
  userAgentName: 'grpc-go',
  userAgentVersion: '1.85.0',
};

const addressesOf = ({ value }: Any) =>
  ClusterLoadAssignment.decode(value).endpoints.flatMap(({ lbEndpoints }) =>
    lbEndpoints.map(({ endpoint }) => `${endpoint?.address?.socketAddress?.portValue}`),
  );

/** Where the last route of a listener leads. */
function targetOf({ resources: [resource] }: DiscoveryResponse) {
  const { apiListener } = Listener.decode(resource?.value ?? Buffer.of());
  const { routeConfig } = HttpConnectionManager.decode(apiListener?.apiListener?.value ?? Buffer.of());
  return routeConfig?.virtualHosts[0]?.routes.at(-1)?.route?.clusterSpecifier;
}

describe('the streams of xDS', () => {
  it('send a listener, its cluster and its endpoints, and the endpoints again when they change', async () => {
    const { connect, register, clock, registry } = startXds();
    const { leaseId } = await register(1);
    const client = connect();
    client.ask(TYPES.listener, [SALES]);
    expect(targetOf(await client.next())).toEqual({ $case: 'cluster', value: SALES });
    client.ask(TYPES.cluster, [SALES]);
    expect((await client.next()).resources).toHaveLength(1);
    client.ask(TYPES.endpoints, [SALES]);
    expect(await client.addresses()).toEqual(['1']);
    client.ask(TYPES.endpoints, [SALES]);
    await register(2);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['1', '2']);
    client.ask(TYPES.endpoints, [SALES]);
    await registry.deregister({ leaseId, instanceId: 'sales-1' });
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['2']);
  });

  it('send what a client has already no second time', async () => {
    const { connect, register, clock } = startXds();
    const client = connect();
    client.ask(TYPES.listener, [SALES, 'unknown.v1.Service']);
    client.ask(TYPES.cluster, [SALES]);
    expect([(await client.next()).typeUrl, (await client.next()).typeUrl].sort()).toEqual([
      TYPES.cluster,
      TYPES.listener,
    ]);
    client.ask(TYPES.listener, [SALES, 'unknown.v1.Service']);
    client.ask(TYPES.cluster, [SALES]);
    client.ask(TYPES.endpoints, [SALES]);
    await register(1);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['1']);
  });

  it('never send an empty list of endpoints', async () => {
    const { connect, register, clock, registry } = startXds();
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    const { leaseId } = await register(1);
    expect(await client.addresses()).toEqual(['1']);
    client.ask(TYPES.endpoints, [SALES]);
    await registry.deregister({ leaseId, instanceId: 'sales-1' });
    await clock.advance(100);
    await register(2);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['2']);
  });

  it('keep the last instance that drains until another is ready', async () => {
    const { connect, register, clock } = startXds();
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    await register(1);
    expect(await client.addresses()).toEqual(['1']);
    client.ask(TYPES.endpoints, [SALES]);
    await register(1, { status: InstanceStatus.INSTANCE_STATUS_DRAINING });
    await clock.advance(100);
    const second = connect();
    second.ask(TYPES.endpoints, [SALES]);
    expect(await second.addresses()).toEqual(['1']);
    await register(2);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['2']);
  });

  it('send nothing while the registry warms up', async () => {
    const { connect, register, clock } = startXds({ warmingMs: 10_000 });
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    await register(1);
    const first = client.addresses();
    await clock.advance(5_000);
    await register(2);
    await clock.advance(10_000);
    expect(await first).toEqual(['1', '2']);
  });

  it('divide calls by the setting canary_percent', async () => {
    const { connect, register, clock, settings } = startXds();
    await register(1);
    await register(2, { metadata: { canary: '5' }, version: '2' });
    const client = connect();
    client.ask(TYPES.listener, [SALES]);
    const weights = async () => {
      const target = targetOf(await client.next());
      return target?.$case === 'weightedClusters' ? target.value.clusters.map(({ weight }) => weight) : target;
    };
    expect(await weights()).toEqual([95_000_000, 5_000_000]);
    client.ask(TYPES.listener, [SALES]);
    const setting = { service: SALES, key: 'canary_percent', value: '20', author: 'ada' };
    await settings.updateSetting({ setting });
    await clock.advance(100);
    expect(await weights()).toEqual([80_000_000, 20_000_000]);
  });

  it('log what a client refuses, and list it until the client accepts or leaves', async () => {
    const { connect, register, clock, status, warnings } = startXds();
    await register(1);
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    await client.addresses();
    const errorDetail = { code: 3, message: 'no such field', details: [] };
    for (let nack = 0; nack < 100; nack += 1) client.ask(TYPES.endpoints, [SALES], { errorDetail });
    // A response follows a change alone, however often the client refuses the last one.
    await register(2);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['1', '2']);
    const refused = { node: 'shop-1', type: 'ClusterLoadAssignment', reason: 'no such field' };
    expect(warnings).toEqual([
      expect.objectContaining({ ...refused, message: 'an xDS client refuses resources: no such field' }),
    ]);
    expect((await status.listRefusals({})).refusals).toEqual([
      expect.objectContaining({ ...refused, userAgent: 'grpc-go 1.85.0' }),
    ]);
    client.ask(TYPES.endpoints, [SALES]);
    await register(3);
    await clock.advance(100);
    expect(await client.addresses()).toHaveLength(3);
    expect((await status.listRefusals({})).refusals).toEqual([]);
  });

  it('keep no more of what a client calls itself, and asks for, than a name can have', async () => {
    const { connect, register, clock, status, warnings } = startXds();
    await register(1);
    const client = connect();
    const long = 'x'.repeat(100_000);
    client.ask(TYPES.cluster, [SALES, `${SALES}|canary=${long}`], { node: { ...NODE, id: long, userAgentName: long } });
    expect((await client.next()).resources).toHaveLength(1);
    client.ask(TYPES.cluster, [SALES], { errorDetail: { code: 3, message: long, details: [] } });
    await until(() => warnings.length > 0);
    await clock.advance(100);
    expect(warnings).toEqual([expect.objectContaining({ node: 'x'.repeat(256), reason: 'x'.repeat(1_000) })]);
    const [refused] = (await status.listRefusals({})).refusals;
    expect(refused).toMatchObject({ node: 'x'.repeat(256), userAgent: 'x'.repeat(256) });
  });

  it('refuse a client that subscribes to too many names, and serve others', async () => {
    const { connect, register } = startXds();
    await register(1);
    const [greedy, other] = [connect(), connect()];
    greedy.ask(
      TYPES.endpoints,
      Array.from({ length: MAX_NAMES + 1 }, (_, index) => `s${index}`),
    );
    expect(await refusal(greedy.next())).toMatchObject({ codeName: 'RESOURCE_EXHAUSTED' });
    other.ask(TYPES.endpoints, [SALES, 'unknown.v1.Service', '|canary=|', '']);
    expect(await other.addresses()).toEqual(['1']);
  });

  it('ignore the answer to an earlier response', async () => {
    const { connect, register, clock } = startXds();
    await register(1);
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    expect(await client.addresses()).toEqual(['1']);
    client.ask(TYPES.endpoints, ['other.v1.Service'], { responseNonce: 'earlier' });
    await register(2);
    await clock.advance(100);
    expect(await client.addresses()).toEqual(['1', '2']);
  });

  it('hold the last state alone for a client that reads nothing', async () => {
    const { connect, register, clock } = startXds();
    await register(1);
    const client = connect();
    client.ask(TYPES.endpoints, [SALES]);
    await client.addresses();
    for (let port = 2; port <= 40; port += 1) {
      await register(port);
      await clock.advance(100);
    }
    let responses = 0;
    for (let addresses = 0; addresses < 40; responses += 1) addresses = (await client.addresses()).length;
    expect(responses).toBeLessThan(5);
  });

  it('are open for each client up to half of what the others leave free', async () => {
    const { connect } = startXds({ watches: 2 });
    const first = connect();
    first.ask(TYPES.listener, [SALES]);
    await first.next();
    expect(await refusal(connect().next())).toMatchObject({ codeName: 'RESOURCE_EXHAUSTED' });
  });
});
