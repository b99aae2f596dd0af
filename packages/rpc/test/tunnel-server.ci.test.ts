/**
 * A server that speaks gRPC and breaks the contract of tunnels harms the call that it answers, and nothing else: the process
 * lives, what it keeps is bounded, and calls to other instances and later calls pass.
 */
import { describe, expect, it } from '@jest/globals';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { sleep, systemClock } from '../src/exports/clock.js';
import { RpcError, Status } from '../src/exports/status.js';
import { MAX_CALLS } from '../src/transport/tunnel/frames.js';
import { type Attack, type HostileServer, type Sent, startHostileServer } from './support/hostile-server.js';
import type { ConformanceClient } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, HANG_MS, until } from './support/wait.js';

const { closers, startServer, connectTo } = socketsOfATest();

function connect(...addresses: string[]): ConformanceClient {
  return connectTo(addresses, { known: { tunnel: true } }).client;
}

async function start(welcome?: Sent): Promise<HostileServer> {
  const server = await startHostileServer(welcome);
  closers.push(() => server.close());
  return server;
}

/** A client of the server alone, and one of it and of an honest instance. */
async function startBoth(server: HostileServer) {
  const honest = await startServer();
  return { alone: connect(server.address), fleet: connect(server.address, honest.address) };
}

type Outcome = { readonly code: Status; readonly message: string };
const OK: Outcome = { code: Status.OK, message: '' };

async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    await call;
    return OK;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
}

/** Calls until a call goes through a tunnel. */
async function openTunnel(client: ConformanceClient, { counts }: HostileServer): Promise<void> {
  const before = counts.tunnelled;
  while (counts.tunnelled === before) await client.unaryUnsafe({});
}

/** The outcome of an unsafe call that the server answers by `attack`. */
async function attacked(client: ConformanceClient, server: HostileServer, attack: Attack): Promise<Outcome> {
  await openTunnel(client, server);
  server.attack = attack;
  const outcome = await outcomeOf(client.unaryUnsafe({}, { timeoutMs: HANG_MS }));
  server.attack = undefined;
  return outcome;
}

const broken = (what: string): Outcome => ({
  code: Status.UNAVAILABLE,
  message: `broke the tunnel's contract: ${what}`,
});

type Entry = { readonly key: string; readonly value: Buffer };
const entry = (key: string, value: string): Entry => ({ key, value: Buffer.from(value) });
const entries = (count: number, key: string): Entry[] => Array.from({ length: count }, () => entry(key, 'v'));
const bytes = (length: number): Buffer => Buffer.alloc(length, 'x');
const load = (report: Parameters<typeof OrcaLoadReport.fromPartial>[0]): Entry => ({
  key: 'endpoint-load-metrics-bin',
  value: Buffer.from(OrcaLoadReport.encode(OrcaLoadReport.fromPartial(report)).finish()),
});
/** A message with one reply of these bytes. */
const reply = (hex: string): Buffer => {
  const body = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.from([0x12, body.length]), body]);
};
const failing =
  (code: number) =>
  (id: number): Sent[] => [{ replies: [{ id, failure: { code, message: 'no' } }] }];

type Case = readonly [what: string, answer: (id: number) => readonly Sent[], outcome: Outcome];
const CASES: readonly Case[] = [
  ['a reply to an unknown call', () => [{ replies: [{ id: 7 }] }], broken("a reply to a call that isn't open: 7")],
  ['two replies', (id) => [{ replies: [{ id }, { id }] }], OK],
  [
    'a reply longer than it said',
    (id) => [{ replies: [{ id, message: bytes(9), totalBytes: 5, more: true }] }],
    broken('a reply is longer than the 5 bytes that its first piece said'),
  ],
  [
    'a piece too many',
    (id) => [
      {
        replies: [
          { id, message: bytes(5), totalBytes: 5, more: true },
          { id, message: bytes(1) },
        ],
      },
    ],
    broken('a reply is longer than the 5 bytes'),
  ],
  [
    'a reply shorter than it said',
    (id) => [
      {
        replies: [
          { id, message: bytes(2), totalBytes: 5, more: true },
          { id, message: bytes(2) },
        ],
      },
    ],
    broken('a reply ends after 4 of the 5 bytes that its first piece said'),
  ],
  ['an empty piece', (id) => [{ replies: [{ id, totalBytes: 5, more: true }] }], broken('a piece of a reply is empty')],
  [
    'a piece without a length',
    (id) => [{ replies: [{ id, message: bytes(5), more: true }] }],
    broken('a reply is longer than the 0 bytes'),
  ],
  [
    '20,000 pieces in a message',
    (id) => [
      {
        replies: Array.from({ length: 20_000 }, () => ({
          id,
          message: bytes(1),
          totalBytes: 20_002,
          more: true,
          header: entries(2, 'b'),
        })),
      },
      { replies: [{ id, message: bytes(2) }] },
    ],
    OK,
  ],
  [
    'a length of 4 GiB',
    (id) => [{ replies: [{ id, message: bytes(1), totalBytes: 2 ** 32 - 1, more: true }] }],
    { code: Status.RESOURCE_EXHAUSTED, message: 'Received message larger than max (4294967295 vs 4194304)' },
  ],
  ['a failure with the code OK', failing(0), { code: Status.UNKNOWN, message: 'no' }],
  ['a code that gRPC has not', failing(99), { code: Status.UNKNOWN, message: 'no' }],
  ['a code of 2^32-1', failing(2 ** 32 - 1), { code: Status.UNKNOWN, message: 'no' }],
  ['a negative id', () => [reply('08ffffffffffffffffff01')], broken("a reply to a call that isn't open: 4294967295")],
  [
    'go_away with calls that never were',
    () => [{ goAway: { accepted: 9_999 } }],
    broken('go_away says that 9999 calls were taken'),
  ],
  [
    'go_away with 2^31 calls',
    () => [{ goAway: { accepted: 2 ** 31 + 1 } }],
    broken('go_away says that 2147483649 calls'),
  ],
  ['go_away without a call that was answered', (id) => [{ replies: [{ id }] }, { goAway: { accepted: 0 } }], OK],
  ['go_away twice', () => [{ goAway: { accepted: 2 } }, { goAway: { accepted: 2 } }], broken('go_away comes once')],
  ['a second welcome', () => [{ welcome: { version: 1, maxCalls: 2 ** 32 - 1 } }], broken('welcome comes once')],
  [
    'reserved keys',
    (id) => [{ replies: [{ id, header: ['__proto__', 'connection', 'grpc-status'].map((key) => entry(key, 'v')) }] }],
    OK,
  ],
  [
    'details that are none',
    (id) => [{ replies: [{ id, failure: { code: 5, message: 'gone', details: bytes(9) } }] }],
    { code: Status.NOT_FOUND, message: 'gone' },
  ],
  [
    'a load that is no number',
    (id) => [{ replies: [{ id, trailer: [load({ rpsFractional: Number.NaN, cpuUtilization: Number.NaN })] }] }],
    OK,
  ],
  [
    'a negative load',
    (id) => [{ replies: [{ id, trailer: [load({ rpsFractional: -1, cpuUtilization: -5, eps: -1 })] }] }],
    OK,
  ],
  [
    'an endless load',
    (id) => [
      {
        replies: [
          { id, trailer: [load({ rpsFractional: Number.MAX_VALUE, cpuUtilization: Number.POSITIVE_INFINITY })] },
        ],
      },
    ],
    OK,
  ],
  ['a reply that is none', (id) => [{ replies: [{ id, message: bytes(3) }] }], { code: Status.INTERNAL, message: '' }],
];

/** Begins replies of nearly 4 MiB, and doesn't go on. */
const begin: Attack = ({ send }, ids) =>
  send({ replies: ids.map((id) => ({ id, message: bytes(1), totalBytes: 4 * 1_024 * 1_024 - 1, more: true })) });

describe('a server that answers', () => {
  it.each(CASES)('%s harms that call at most', async (_what, answer, { code, message }) => {
    const server = await start();
    const { alone, fleet } = await startBoth(server);
    const outcome = await attacked(alone, server, ({ send }, [id = 0]) => answer(id).forEach(send));
    expect(outcome).toMatchObject({ code, message: expect.stringContaining(message) });
    for (let left = 10; left > 0; left -= 1) await fleet.unary({});
    for (let left = 10; left > 0; left -= 1) await alone.unary({});
  });

  it('many calls with long replies at a time ends them: what a client keeps of unfinished ones is bounded', async () => {
    const server = await start();
    const { alone, fleet } = await startBoth(server);
    await openTunnel(alone, server);
    server.attack = begin;
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => outcomeOf(alone.unaryUnsafe({}))));
    server.attack = undefined;
    for (const { code, message } of outcomes) {
      expect(code).toBe(Status.UNAVAILABLE);
      expect(message).toContain('the unfinished replies may have 16777216 bytes together; with the one that begins');
    }
    await fleet.unary({});
    await alone.unary({});
  });

  it('a part of long replies whose callers leave can answer others at length', async () => {
    const server = await start();
    const { alone } = await startBoth(server);
    await openTunnel(alone, server);
    for (let left = 3; left > 0; left -= 1) {
      server.attack = begin;
      const caller = new AbortController();
      const calls = Array.from({ length: 4 }, () => outcomeOf(alone.unaryUnsafe({}, { signal: caller.signal })));
      const tunnelled = server.counts.tunnelled;
      await until(() => server.counts.tunnelled === tunnelled + 4);
      server.attack = ({ send }, [id = 0]) =>
        send({ replies: [0, 1].map((index) => ({ id, message: bytes(2), totalBytes: 4, more: index === 0 })) });
      await alone.unaryUnsafe({});
      caller.abort();
      for (const { code } of await Promise.all(calls)) expect(code).toBe(Status.CANCELLED);
    }
    expect(server.counts).toMatchObject({ opened: 1 });
  });

  it('nothing after it has drained loses the stream when no caller waits', async () => {
    const server = await start();
    const { alone } = await startBoth(server);
    await openTunnel(alone, server);
    server.attack = ({ send }) => send({ goAway: { accepted: server.counts.tunnelled } });
    const outcome = await outcomeOf(alone.unaryUnsafe({}, { timeoutMs: 300 }));
    expect(outcome).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await until(() => server.counts.ended === 1);
    server.attack = undefined;
    await alone.unary({});
  });
});

describe('a server that ends the tunnel', () => {
  const failed = (details: string) => ({ code: Status.UNAVAILABLE, details });

  it.each([
    ['with OK in the middle of a reply', { code: Status.OK, details: '' }, 'the tunnel ended before the reply'],
    ['with a status', { code: Status.NOT_FOUND, details: 'lost' }, 'the tunnel ended before the reply (lost)'],
    ["by a text of grpc-js's that says no handler ran", failed('Stream refused by server'), 'ended before the reply'],
    ['by another such text', failed('No connection established'), 'ended before the reply'],
  ])('%s: an unsafe call is not made again', async (_what, status, message) => {
    const server = await start();
    const { alone, fleet } = await startBoth(server);
    await openTunnel(alone, server);
    const before = { ...server.counts };
    const outcome = await attacked(alone, server, ({ send, end }, [id = 0]) => {
      send({ replies: [{ id, message: bytes(2), totalBytes: 5, more: true }] });
      end(status.code, status.details);
    });
    expect(outcome).toMatchObject({ code: Status.UNAVAILABLE, message: expect.stringContaining(message) });
    expect(server.counts).toMatchObject({ tunnelled: before.tunnelled + 2, plain: before.plain });
    await fleet.unary({});
    await alone.unary({});
  });
});

describe('a server that welcomes', () => {
  it('with a version from the future is called by gRPC, and not asked again', async () => {
    const server = await start({ welcome: { version: 2, maxCalls: 9, maxRequestBytes: 9 } });
    const { alone } = await startBoth(server);
    const end = systemClock.now() + 1_500;
    while (systemClock.now() < end) {
      await alone.unaryUnsafe({});
      await sleep(systemClock, 20);
    }
    expect(server.counts).toMatchObject({ opened: 1, tunnelled: 0 });
  });

  it('with limits beyond all bounds gets no more than the contract allows', async () => {
    const most = 2 ** 32 - 1;
    const welcome = { version: 1, maxCalls: most, maxRequestBytes: most, maxUnansweredBytes: most };
    const server = await start({ welcome });
    const { alone } = await startBoth(server);
    await openTunnel(alone, server);
    const before = { ...server.counts };
    await alone.unary({ payload: bytes(64 * 1_024) });
    expect(server.counts).toEqual({ ...before, plain: before.plain + 1 });
    server.attack = () => undefined;
    const calls: Promise<Outcome>[] = [];
    const reached = () => server.counts.tunnelled - before.tunnelled + server.counts.plain - before.plain - 1;
    // Not all at once: what the server hasn't read has a bound as well.
    for (let made = 0; made < MAX_CALLS + 10; ) {
      for (const to = Math.min(made + 1_000, MAX_CALLS + 10); made < to; made += 1) {
        calls.push(outcomeOf(alone.unaryUnsafe({}, { timeoutMs: HANG_MS })));
      }
      await until(() => reached() >= Math.min(made, MAX_CALLS));
    }
    expect(await atRest(() => server.counts.tunnelled)).toBe(before.tunnelled + MAX_CALLS);
    expect(server.counts.plain).toBe(before.plain + 1);
    for (const close of closers.splice(0).reverse()) await close();
    await Promise.all(calls);
  });
});
