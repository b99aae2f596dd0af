/**
 * A server that speaks frames and breaks their rules harms the call that it answers, and nothing else: the process
 * lives, what it keeps is bounded, and calls to other instances and later calls pass.
 */
import { describe, expect, it } from '@jest/globals';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { RpcError, Status } from '../src/exports/status.js';
import { FRAMES_VERSION, KIND, MAX_CALLS } from '../src/transport/frames/frames.js';
import { type Attack, type HostileServer, startHostileServer } from './support/hostile-server.js';
import { frameOf, type Sent } from './support/raw-frames.js';
import { retainedBytes } from './support/retained.js';
import type { ConformanceClient } from './support/service.js';
import { socketsOfATest } from './support/sockets.js';
import { atRest, HANG_MS, until } from './support/wait.js';

const { closers, startServer, connectTo } = socketsOfATest();

function connect(...addresses: string[]): ConformanceClient {
  return connectTo(addresses, { known: { frames: true } }).client;
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

/** The outcome of an unsafe call that the server answers by `attack`. */
async function attacked(client: ConformanceClient, server: HostileServer, attack: Attack): Promise<Outcome> {
  await client.unaryUnsafe({});
  server.attack = attack;
  const outcome = await outcomeOf(client.unaryUnsafe({}, { timeoutMs: HANG_MS }));
  server.attack = undefined;
  return outcome;
}

const broken = (what: string): Outcome => ({
  code: Status.UNAVAILABLE,
  message: `broke the rules of frames: ${what}`,
});

type Entry = { readonly key: string; readonly value: Buffer };
const entry = (key: string, value: string): Entry => ({ key, value: Buffer.from(value) });
const entries = (count: number, key: string): Entry[] => Array.from({ length: count }, () => entry(key, 'v'));
const bytes = (length: number): Buffer => Buffer.alloc(length, 'x');
/** A reply with a report of load. */
function loaded(id: number, report: Parameters<typeof OrcaLoadReport.fromPartial>[0]): Sent {
  const value = Buffer.from(OrcaLoadReport.encode(OrcaLoadReport.fromPartial(report)).finish());
  return { end: { id, message: bytes(0), trailer: [{ key: 'endpoint-load-metrics-bin', value }] } };
}
/** An end with a body of these bytes. */
const endOf = (hex: string): Buffer => frameOf(KIND.end, Buffer.from(hex, 'hex'));
const failing =
  (code: number) =>
  (id: number): Sent[] => [{ end: { id, failure: { code, message: 'no' } } }];
const piece = (id: number, length: number, rest: { more?: true; totalBytes?: number } = {}): Sent => ({
  message: { id, data: bytes(length), ...rest },
});

type Case = readonly [what: string, answer: (id: number) => readonly Sent[], outcome: Outcome];
const CASES: readonly Case[] = [
  ['an end of an unknown call', () => [{ end: { id: 7 } }], broken("a frame for a call that isn't open: 7")],
  ['a message of an unknown call', () => [piece(7, 1)], broken("a frame for a call that isn't open: 7")],
  ['two ends', (id) => [{ end: { id, message: bytes(0) } }, { end: { id } }], OK],
  ['a frame of no kind', () => [frameOf(0, bytes(1))], broken('there is no frame of the kind 0')],
  ['a frame of a client', () => [{ halfClose: { id: 1 } }], broken('a server sends no frame of the kind 5')],
  ['a frame that is too long', () => [frameOf(KIND.end, bytes(2 ** 18 + 1))], broken('a frame has at most')],
  [
    'a reply longer than it said',
    (id) => [piece(id, 9, { more: true, totalBytes: 5 })],
    broken('a message is longer than the 5 bytes that its first piece said'),
  ],
  [
    'a piece too many',
    (id) => [piece(id, 5, { more: true, totalBytes: 5 }), piece(id, 1)],
    broken('a message is longer than the 5'),
  ],
  [
    'a reply shorter than it said',
    (id) => [piece(id, 2, { more: true, totalBytes: 5 }), piece(id, 2)],
    broken('a message ends after 4 of the 5 bytes that its first piece said'),
  ],
  [
    'an end inside a message',
    (id) => [piece(id, 2, { more: true, totalBytes: 5 }), { end: { id } }],
    broken('the end of'),
  ],
  ['an empty piece', (id) => [piece(id, 0, { more: true, totalBytes: 5 })], broken('a piece of a message is empty')],
  ['a piece without a length', (id) => [piece(id, 5, { more: true })], broken('a message is longer than the 0 bytes')],
  [
    '20,000 pieces at a time',
    (id) => [
      ...Array.from({ length: 15_000 }, () => piece(id, 1, { more: true, totalBytes: 15_002 })),
      piece(id, 2),
      { end: { id } },
    ],
    OK,
  ],
  [
    'a length of 4 GiB',
    (id) => [piece(id, 1, { more: true, totalBytes: 2 ** 32 - 1 }), { end: { id } }],
    { code: Status.RESOURCE_EXHAUSTED, message: 'Received message larger than max (4294967295 vs 4194304)' },
  ],
  [
    'two replies',
    (id) => [piece(id, 0), piece(id, 0), { end: { id } }],
    { code: Status.UNIMPLEMENTED, message: 'a second reply' },
  ],
  ['no reply', (id) => [{ end: { id } }], { code: Status.UNIMPLEMENTED, message: 'without a reply' }],
  ['too much credit', () => [{ credit: { id: 0, bytes: 2 ** 32 - 1 } }], broken('the credit is more than')],
  ['a failure with the code OK', failing(0), { code: Status.UNKNOWN, message: 'no' }],
  ['a code that gRPC has not', failing(99), { code: Status.UNKNOWN, message: 'no' }],
  ['a code of 2^32-1', failing(2 ** 32 - 1), { code: Status.UNKNOWN, message: 'no' }],
  ['a negative id', () => [endOf('08ffffffffffffffffff01')], broken("a frame for a call that isn't open: 4294967295")],
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
  [
    'go_away without a call that was answered',
    (id) => [{ end: { id, message: bytes(0) } }, { goAway: { accepted: 0 } }],
    OK,
  ],
  ['go_away twice', () => [{ goAway: { accepted: 2 } }, { goAway: { accepted: 2 } }], broken('go_away comes once')],
  ['a second welcome', () => [{ welcome: { version: 2, maxCalls: 2 ** 32 - 1 } }], broken('welcome comes once')],
  [
    'reserved keys',
    (id) => {
      const header = ['__proto__', 'connection', 'grpc-status'].map((key) => entry(key, 'v'));
      return [{ end: { id, header, message: bytes(0) } }];
    },
    OK,
  ],
  ['many entries', (id) => [{ end: { id, header: entries(129, 'b') } }], broken('metadata has at most 128 entries')],
  [
    'details that are none',
    (id) => [{ end: { id, failure: { code: 5, message: 'gone', details: bytes(9) } } }],
    { code: Status.NOT_FOUND, message: 'gone' },
  ],
  ['a load that is no number', (id) => [loaded(id, { rpsFractional: Number.NaN, cpuUtilization: Number.NaN })], OK],
  ['a negative load', (id) => [loaded(id, { rpsFractional: -1, cpuUtilization: -5, eps: -1 })], OK],
  [
    'an endless load',
    (id) => [loaded(id, { rpsFractional: Number.MAX_VALUE, cpuUtilization: Number.POSITIVE_INFINITY })],
    OK,
  ],
  ['a reply that is none', (id) => [{ end: { id, message: bytes(3) } }], { code: Status.INTERNAL, message: '' }],
];

describe('a server that answers', () => {
  it.each(CASES)('%s harms that call at most', async (_what, answer, { code, message }) => {
    const server = await start();
    const { alone, fleet } = await startBoth(server);
    const outcome = await attacked(alone, server, ({ send }, id) => answer(id).forEach(send));
    expect(outcome).toMatchObject({ code, message: expect.stringContaining(message) });
    for (let left = 10; left > 0; left -= 1) await fleet.unary({});
  });

  it('many calls with long replies at a time gives their room to as many as may have it', async () => {
    const server = await start();
    const alone = connect(server.address);
    await alone.unaryUnsafe({});
    // More than a quarter of a window of nearly 4 MiB each, and no more.
    server.attack = ({ send }, id) => send(piece(id, 16_000, { more: true, totalBytes: 4 * 1_024 * 1_024 - 1 }));
    const caller = new AbortController();
    const calls = Array.from({ length: 6 }, () => outcomeOf(alone.unaryUnsafe({}, { signal: caller.signal })));
    const before = server.counts.calls;
    await until(() => server.counts.calls === before + 6);
    server.attack = undefined;
    await alone.unaryUnsafe({});
    caller.abort();
    for (const { code } of await Promise.all(calls)) expect(code).toBe(Status.CANCELLED);
    expect(server.counts).toMatchObject({ frames: 1, closed: 0 });
  });

  it('nothing but pings, and does not read, fills no memory', async () => {
    const server = await start();
    const alone = connect(server.address);
    await alone.unaryUnsafe({});
    const pings = Buffer.concat(Array.from({ length: 2 ** 20 }, () => frameOf(KIND.ping, bytes(0))));
    const before = retainedBytes();
    server.attack = ({ send, pause }, id) => {
      pause();
      for (let left = 20; left > 0; left -= 1) send(pings);
      send({ end: { id, message: bytes(0) } });
    };
    await alone.unaryUnsafe({}, { timeoutMs: HANG_MS });
    // 20 million answers would take 100 MiB.
    expect(retainedBytes() - before).toBeLessThan(50 * 1_024 * 1_024);
  });

  it('nothing after it has drained loses the connection when no caller waits', async () => {
    const server = await start();
    const alone = connect(server.address);
    await alone.unaryUnsafe({});
    server.attack = ({ send }) => send({ goAway: { accepted: server.counts.calls } });
    const outcome = await outcomeOf(alone.unaryUnsafe({}, { timeoutMs: 300 }));
    expect(outcome).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await until(() => server.counts.closed === 1);
    server.attack = undefined;
    await alone.unary({});
  });
});

describe('a server that refuses what a client sends', () => {
  it('is called by frames again at once, not by gRPC', async () => {
    const server = await start();
    const alone = connect(server.address);
    const outcome = await attacked(alone, server, ({ send, close }) => {
      send({ goAway: { accepted: server.counts.calls, reason: 'too many cancelled' } });
      close();
    });
    expect(outcome).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('the server refuses the frames of this process: too many cancelled'),
    });
    await alone.unaryUnsafe({}, { waitForReady: true });
    expect(server.counts).toMatchObject({ frames: 2, others: 0 });
  });
});

describe('a server that closes the connection', () => {
  it('in the middle of a reply: an unsafe call is not made again', async () => {
    const server = await start();
    const { alone, fleet } = await startBoth(server);
    const outcome = await attacked(alone, server, ({ send, close }, id) => {
      send(piece(id, 2, { more: true, totalBytes: 5 }));
      close();
    });
    expect(outcome).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('the connection broke while the call was in flight'),
    });
    expect(server.counts).toMatchObject({ calls: 2 });
    await fleet.unary({});
    await alone.unary({});
  });
});

describe('a server that welcomes', () => {
  it('with a version from the future is called by gRPC, and not asked again', async () => {
    const server = await start({ welcome: { version: 3, maxCalls: 9, maxRequestBytes: 9 } });
    const alone = connect(server.address);
    await outcomeOf(alone.unaryUnsafe({}, { timeoutMs: 1_500, waitForReady: true }));
    expect(server.counts).toMatchObject({ frames: 1, calls: 0 });
    expect(server.counts.others).toBeGreaterThan(0);
  });

  it('with limits beyond all bounds gets no more than the contract allows', async () => {
    const most = 2 ** 32 - 1;
    const server = await start({
      welcome: { version: FRAMES_VERSION, maxCalls: most, maxRequestBytes: most, maxUnansweredBytes: most },
    });
    const alone = connect(server.address);
    await alone.unaryUnsafe({});
    server.attack = () => undefined;
    const calls: Promise<Outcome>[] = [];
    const reached = () => server.counts.calls - 1;
    // Not all at once: what the server hasn't read has a bound as well.
    for (let made = 0; made < MAX_CALLS + 10; ) {
      for (const to = Math.min(made + 1_000, MAX_CALLS + 10); made < to; made += 1) {
        calls.push(outcomeOf(alone.unaryUnsafe({}, { timeoutMs: HANG_MS })));
      }
      await until(() => reached() >= Math.min(made, MAX_CALLS));
    }
    expect(await atRest(reached)).toBe(MAX_CALLS);
    for (const close of closers.splice(0).reverse()) await close();
    await Promise.all(calls);
  });
});
