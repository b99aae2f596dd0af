/** Load reports of servers and load balancing of clients as one loop, over every layer except the network. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, createChannel, createClient, fixedEndpoint, type Resolver } from '@rondo/rpc/client';
import { sleep } from '@rondo/rpc/clock';
import { DEFAULT_SERVICE_POLICY } from '@rondo/rpc/internal';
import { createRouter, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createMemoryNetwork, ManualClock, seededRandom } from '@rondo/rpc/testing';
import { createLoadMeter } from '../src/load/meter.js';

const BY_LOAD = {
  ...DEFAULT_SERVICE_POLICY.balancing,
  policy: 'weighted_round_robin',
  weights: 'load',
  slowStartMs: 0,
} as const;

const clock = new ManualClock();
const random = seededRandom(7);
const channels: Channel[] = [];
afterEach(async () => {
  for (const channel of channels.splice(0)) channel.close();
  await clock.advance(10_000);
});

type Method = 'unary' | 'unaryUnsafe';

/** One instance: the duration of its calls, and how many it has received. */
class Replica {
  /** Mean wait of a call of each method, as for a database, in milliseconds; each wait varies by half. */
  readonly waitMs = { unary: 5, unaryUnsafe: 5 };
  /** How long each call occupies the instance's only processor, in milliseconds. */
  workMs = 0;
  /** The error of its calls. */
  fault: RpcError | undefined;
  readonly calls = { unary: 0, unaryUnsafe: 0 };
  inFlight = 0;
  #busyUntil = 0;

  async answer(method: Method): Promise<Record<string, never>> {
    this.calls[method] += 1;
    this.inFlight += 1;
    this.#busyUntil = Math.max(this.#busyUntil, clock.now()) + this.workMs;
    const waitMs = this.waitMs[method] * (0.5 + random.next());
    await sleep(clock, waitMs + this.#busyUntil - clock.now());
    this.inFlight -= 1;
    if (this.fault !== undefined) throw this.fault;
    return {};
  }
}

function serve(replica: Replica) {
  const unused = () => Promise.reject(new Error('not part of this test'));
  const meter = createLoadMeter({ clock, ignored: [], cpu: () => 0 });
  const service = implement(ConformanceServiceDefinition, {
    unary: () => replica.answer('unary'),
    unaryUnsafe: () => replica.answer('unaryUnsafe'),
    clientStream: unused,
    async *serverStream() {},
    async *bidiStream() {},
    async *follow() {},
    unimplemented: unused,
  });
  return createRouter({ services: [service], middleware: [meter.middleware], clock, random });
}

/** Why endpoints get no calls. */
function heldBy(channel: Channel): readonly string[] {
  const endpoints = channel.inspect().flatMap(({ endpoints }) => endpoints);
  return endpoints.flatMap(({ held, methods }) => [held, ...methods.map((method) => method.held)]).filter(isText);
}

const isText = (text: string | undefined) => text !== undefined;

/** Each endpoint in a region of its own, so that none is ejected for being slower than others. */
const farApart = (addresses: readonly string[]): Resolver => ({
  source: 'the test',
  resolve(_service, listener) {
    const endpoints = addresses.map((address) => fixedEndpoint(address, { zone: `${address}/a` }));
    listener.onResolution({ endpoints, departed: [] });
    return { close() {} };
  },
  close() {},
});

/** Three replicas and clients, each client with its own connections. */
function start({ clients = 1 } = {}) {
  const replicas = [new Replica(), new Replica(), new Replica()] as const;
  const routers = replicas.map(serve);
  const made = Array.from({ length: clients }, (_, index) => {
    const network = createMemoryNetwork();
    routers.forEach(({ handle }, at) => {
      network.listen(`r${at}`, { handle: (wire) => handle({ ...wire, peer: `client-${index}` }) });
    });
    const resolver = farApart(replicas.map((_replica, at) => `r${at}`));
    const channel = createChannel({ resolver, transport: network.transport, clock, random });
    channels.push(channel);
    channel.follow(ConformanceServiceDefinition.fullName, { balancing: BY_LOAD });
    return createClient(ConformanceServiceDefinition, { channel });
  });

  /** Makes `perSecond` calls a second at random times, each from a random client, and returns each replica's share. */
  async function share(seconds: number, perSecond = 150, methods: readonly Method[] = ['unary']) {
    const before = replicas.map(({ calls }) => ({ ...calls }));
    for (let call = 0; call < seconds * perSecond; call += 1) {
      const method = methods[call % methods.length] ?? 'unary';
      const client = made[Math.floor(random.next() * clients)];
      client?.[method]({}).catch(() => undefined);
      await clock.advance((-Math.log(1 - random.next()) * 1_000) / perSecond);
    }
    const shareOf = (method: Method) => {
      const counts = replicas.map(({ calls }, at) => calls[method] - (before[at]?.[method] ?? 0));
      return counts.map((count) => count / counts.reduce((sum, other) => sum + other, 0));
    };
    return { unary: shareOf('unary'), unaryUnsafe: shareOf('unaryUnsafe') };
  }

  /** The shares of `unary` per second. */
  async function seconds(count: number, perSecond = 300) {
    const shares: number[][] = [];
    for (let second = 0; second < count; second += 1) shares.push((await share(1, perSecond)).unary);
    return shares;
  }

  /** The last replica's share of `unary`, due to its load only: no replica is ejected. */
  async function lastShare(seconds: number, perSecond?: number) {
    const [, , last = Number.NaN] = (await share(seconds, perSecond)).unary;
    expect(channels.flatMap(heldBy)).toEqual([]);
    return last;
  }
  return { replicas, share, lastShare, seconds };
}

function mean(shares: readonly number[][], at: number): number {
  return shares.reduce((sum, share) => sum + (share[at] ?? 0), 0) / shares.length;
}

/** The standard deviation of one replica's share. */
function deviation(shares: readonly number[][], at: number): number {
  const usual = mean(shares, at);
  return Math.sqrt(
    mean(
      shares.map((share) => [((share[at] ?? 0) - usual) ** 2]),
      0,
    ),
  );
}

describe('balanced by load', () => {
  it.each([
    ['60 calls a second', 60, 100],
    ['6 calls a second', 6, 100],
    ['6 calls a second, almost none of them for the replica', 6, 2_000],
  ])(
    'a slow replica gets few calls within 10 s, and its share 20 s after it is fast again: %s',
    async (_at, rate, ms) => {
      const { replicas, share, lastShare } = start();
      await share(3, rate);
      replicas[2].waitMs.unary = ms;
      await share(10, rate);
      expect(await lastShare(10, rate)).toBeLessThan(0.1);
      replicas[2].waitMs.unary = 5;
      await share(20, rate);
      expect(await lastShare(10, rate)).toBeGreaterThan(0.25);
    },
  );

  it('a replica that is slow from the start gets few calls, too', async () => {
    const { replicas, share, lastShare } = start();
    replicas[2].waitMs.unary = 100;
    await share(5);
    expect(await lastShare(5)).toBeLessThan(0.1);
  });

  it('a replica that is slow in one method keeps its share of the others', async () => {
    const { replicas, share } = start();
    const both = ['unary', 'unaryUnsafe'] as const;
    replicas[2].waitMs.unary = 100;
    await share(5, 150, both);
    const { unary, unaryUnsafe } = await share(5, 150, both);
    expect(unary[2]).toBeLessThan(0.1);
    for (const own of unaryUnsafe) expect(Math.abs(own - 1 / 3)).toBeLessThan(0.03);
    expect(channels.flatMap(heldBy)).toEqual([]);
  });

  it('a replica that refuses at once does not get most calls', async () => {
    const { replicas, share, lastShare } = start();
    replicas[2].waitMs.unary = 0.1;
    replicas[2].fault = new RpcError(Status.RESOURCE_EXHAUSTED, 'as the test has it');
    await share(5);
    expect(await lastShare(5)).toBeLessThan(0.1);
  });

  it('a replica that replies NOT_FOUND at once keeps its share, or gets more', async () => {
    const { replicas, share, lastShare } = start();
    replicas[2].fault = new RpcError(Status.NOT_FOUND, 'as the test has it');
    await share(5);
    expect(await lastShare(5)).toBeGreaterThan(0.3);
  });

  it('shares are stable with several clients', async () => {
    const { replicas, share, seconds } = start({ clients: 5 });
    await share(5);
    const equal = await seconds(10);
    replicas[2].waitMs.unary = 20;
    await share(10);
    const unequal = await seconds(10);
    for (const at of [0, 1, 2]) {
      expect(Math.abs(mean(equal, at) - 1 / 3)).toBeLessThan(0.01);
      expect(deviation(equal, at)).toBeLessThan(0.015);
      expect(deviation(unequal, at)).toBeLessThan(0.015);
    }
  });

  it('a replica whose processor is too slow for a third of the calls gets what it can handle', async () => {
    const { replicas, share, seconds } = start({ clients: 3 });
    for (const replica of replicas) replica.workMs = 2;
    replicas[2].workMs = 8;
    await share(10, 450);
    const shares = await seconds(10, 450);
    expect(mean(shares, 2) * 450).toBeLessThan(1_000 / 8);
    expect(deviation(shares, 2)).toBeLessThan(0.015);
    for (const { inFlight } of replicas) expect(inFlight).toBeLessThan(10);
  });
});
