import { describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { CallContext, Metadata, type ServerCall } from '@rondo/rpc/call';
import { sleep } from '@rondo/rpc/clock';
import { createRouter, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { createHealth } from '../health.js';
import { createState, readinessOf } from '../state.js';
import { createLoadMeter } from './meter.js';
import { type CallEnd, MethodLoad } from './method-load.js';

const KEY = 'endpoint-load-metrics-bin';
const ADD = '/rondo.conformance.v1.AdderService/Add';
const STREAM = '/rondo.conformance.v1.ConformanceService/ServerStream';
const UNARY = '/rondo.conformance.v1.ConformanceService/Unary';
const HEALTH = '/grpc.health.v1.Health/Check';

interface Wire {
  readonly peer?: string;
  readonly timeoutMs?: number;
  readonly context?: CallContext;
}

/** A server whose calls take as long as a test says, and fail with the error that it sets. */
function start() {
  const clock = new ManualClock();
  const answers = {
    addMs: 0,
    unaryMs: 0,
    error: undefined as RpcError | undefined,
    own: undefined as Uint8Array | undefined,
  };
  const unused = () => Promise.reject(new Error('not part of this test'));
  const meter = createLoadMeter({ clock, ignored: [HealthDefinition.fullName], cpu: () => 0.25 });
  const router = createRouter({
    services: [
      implement(AdderServiceDefinition, {
        async add(_request, call: ServerCall) {
          if (answers.own !== undefined) call.trailer.append(KEY, answers.own);
          await sleep(clock, answers.addMs);
          if (answers.error !== undefined) throw answers.error;
          return {};
        },
      }),
      implement(ConformanceServiceDefinition, {
        async unary() {
          await sleep(clock, answers.unaryMs);
          return {};
        },
        unaryUnsafe: unused,
        clientStream: unused,
        async *serverStream() {
          yield {};
          if (answers.error !== undefined) throw answers.error;
        },
        async *bidiStream() {},
        async *follow() {},
        unimplemented: unused,
      }),
      createHealth({ readiness: createState(readinessOf([])), services: [] }),
    ],
    middleware: [meter.middleware],
    clock,
  });

  async function trailerOf(
    path: string,
    { peer = 'a:1', timeoutMs, context = new CallContext() }: Wire,
  ): Promise<Metadata> {
    const wire = { path, responseStream: path === STREAM, metadata: new Metadata(), context, peer };
    const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
    try {
      const reply = await router.handle({ ...wire, deadline, request: { stream: false, message: new Uint8Array() } });
      if (reply.response.stream) for await (const _message of reply.response.messages);
      return reply.trailer;
    } catch (error) {
      if (error instanceof RpcError) return error.metadata;
      throw error;
    }
  }

  /** Makes a call, waits `ms` for it, and reads the report in its trailer. */
  async function report(path: string, wire: Wire = {}, ms = 0): Promise<OrcaLoadReport | undefined> {
    const trailer = trailerOf(path, wire);
    await clock.advance(ms);
    const values = (await trailer).getAll(KEY);
    expect(values.length).toBeLessThan(2);
    const [bytes] = values;
    return bytes instanceof Uint8Array ? OrcaLoadReport.decode(bytes) : undefined;
  }

  return { clock, answers, report };
}

describe('a call', () => {
  it('carries a report of the load of its method', async () => {
    const { answers, report } = start();
    answers.addMs = 99.5;
    const { rpsFractional = 0, applicationUtilization = 0, ...rest } = (await report(ADD, {}, 99.5)) ?? {};
    expect(rpsFractional).toBeGreaterThan(0);
    expect(applicationUtilization / rpsFractional).toBeCloseTo(0.1, 5);
    expect(rest).toMatchObject({ cpuUtilization: 0.25, eps: 0, namedMetrics: {} });
  });

  it.each([
    ['INTERNAL', Status.INTERNAL, true],
    ['UNAVAILABLE', Status.UNAVAILABLE, true],
    ['DATA_LOSS', Status.DATA_LOSS, true],
    ['UNKNOWN', Status.UNKNOWN, true],
    ['DEADLINE_EXCEEDED', Status.DEADLINE_EXCEEDED, true],
    ['NOT_FOUND', Status.NOT_FOUND, false],
    ['INVALID_ARGUMENT', Status.INVALID_ARGUMENT, false],
    ['RESOURCE_EXHAUSTED', Status.RESOURCE_EXHAUSTED, false],
  ])('carries one when it fails, too; %s', async (_name, code, fault) => {
    const { answers, report } = start();
    answers.error = new RpcError(code, 'as the test has it');
    const { rpsFractional, eps } = (await report(ADD)) ?? {};
    expect(rpsFractional).toBeGreaterThan(0);
    expect(eps).toBe(fault ? rpsFractional : 0);
    expect(await report(STREAM, { timeoutMs: 1_000 })).toBeDefined();
  });

  it('carries one when it ends at its deadline, with the whole time', async () => {
    const { answers, report } = start();
    answers.addMs = 60_000;
    const {
      rpsFractional = 0,
      applicationUtilization = 0,
      eps,
    } = (await report(ADD, { timeoutMs: 2_000 }, 2_000)) ?? {};
    expect(eps).toBe(rpsFractional);
    expect(applicationUtilization / rpsFractional).toBeGreaterThan(2);
  });

  it('carries one at the end of a response stream that has a deadline', async () => {
    const { report } = start();
    expect(await report(STREAM, { timeoutMs: 1_000 })).toMatchObject({ applicationUtilization: expect.any(Number) });
    expect(await start().report(STREAM)).toBeUndefined();
  });

  it('carries none if its service is ignored or its caller has cancelled', async () => {
    const { report } = start();
    expect(await report(HEALTH)).toBeUndefined();
    const left = new CallContext({ parents: [AbortSignal.abort(new RpcError(Status.CANCELLED, 'the caller left'))] });
    expect(await report(ADD, { context: left })).toBeUndefined();
  });

  it("carries the handler's own report if there is one", async () => {
    const { answers, report } = start();
    answers.own = OrcaLoadReport.encode(OrcaLoadReport.fromPartial({ cpuUtilization: 0.75 })).finish();
    expect(await report(ADD)).toMatchObject({ cpuUtilization: 0.75, rpsFractional: 0 });
  });
});

describe('reports', () => {
  it('go to each peer once per 100 ms and method', async () => {
    const { clock, report } = start();
    const received = async (path: string, peer: string) => (await report(path, { peer })) !== undefined;
    expect(await received(ADD, 'a:1')).toBe(true);
    expect(await received(ADD, 'a:1')).toBe(false);
    expect(await received(ADD, 'b:1')).toBe(true);
    expect(await received(UNARY, 'a:1')).toBe(true);
    await clock.advance(99);
    expect(await received(ADD, 'a:1')).toBe(false);
    expect(await received(ADD, 'b:1')).toBe(false);
    await clock.advance(1);
    expect(await received(ADD, 'b:1')).toBe(true);
    expect(await received(ADD, 'a:1')).toBe(true);
    expect(await received(ADD, 'a:1')).toBe(false);
  });

  it('remember at most a thousand peers', async () => {
    const { report } = start();
    for (let peer = 0; peer < 1_000; peer += 1) await report(ADD, { peer: `a:${peer}` });
    expect(await report(ADD, { peer: 'a:999' })).toBeUndefined();
    expect(await report(ADD, { peer: 'a:1000' })).toBeDefined();
    expect(await report(ADD, { peer: 'a:1000' })).toBeDefined();
  });

  it('are the same for all peers within 100 ms', async () => {
    const { answers, report } = start();
    const first = await report(ADD, { peer: 'a:1' });
    answers.addMs = 50;
    expect(await report(ADD, { peer: 'b:1' }, 50)).toEqual(first);
  });

  it('of one method do not depend on another', async () => {
    const { answers, report } = start();
    Object.assign(answers, { addMs: 5, unaryMs: 2_000 });
    const slow = await report(UNARY, {}, 2_000);
    const fast = await report(ADD, {}, 5);
    expect((slow?.applicationUtilization ?? 0) / (slow?.rpsFractional ?? 0)).toBeCloseTo(2, 2);
    expect((fast?.applicationUtilization ?? 0) / (fast?.rpsFractional ?? 0)).toBeCloseTo(0.0055, 4);
  });
});

interface Calls {
  readonly fromMs?: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly takeMs: number;
  readonly how?: CallEnd;
}

/** Makes calls at a steady rate, and reads the figures at the end of a call if 100 ms have passed, as reports do. */
function run({ fromMs = 0, seconds, perSecond, takeMs, how = 'answered' }: Calls, load = new MethodLoad(fromMs)) {
  const events: { at: number; act: (at: number) => void }[] = [];
  let figures = { at: Number.NEGATIVE_INFINITY, ...load.read(fromMs) };
  const end = (at: number) => {
    load.end(how, at);
    if (at - figures.at >= 100) figures = { at, ...load.read(at) };
  };
  for (let at = fromMs; at < fromMs + seconds * 1_000; at += 1_000 / perSecond) {
    events.push({ at, act: (now) => load.begin(now) }, { at: at + takeMs, act: end });
  }
  for (const { at, act } of events.toSorted((a, b) => a.at - b.at)) act(at);
  return figures;
}

/** Mean duration of a call according to the figures, in milliseconds. */
const takes = ({ utilization, callsPerSecond }: { utilization: number; callsPerSecond: number }) =>
  (utilization / callsPerSecond) * 1_000;

describe('the load of a method', () => {
  it('is the rate of its calls and the number in flight', () => {
    const figures = run({ seconds: 10, perSecond: 40, takeMs: 50 });
    expect(figures.callsPerSecond).toBeCloseTo(40, -1);
    expect(figures.utilization).toBeCloseTo(2, 0);
    expect(Math.abs(takes(figures) - 50.5)).toBeLessThan(2);
    expect(figures.faultsPerSecond).toBe(0);
  });

  it('gives the duration of a call from the first one on, even for rare calls', () => {
    expect(takes(run({ seconds: 0.1, perSecond: 10, takeMs: 20 }))).toBeCloseTo(20.5, 0);
    expect(takes(run({ fromMs: 600_000, seconds: 120, perSecond: 0.1, takeMs: 20 }))).toBeCloseTo(20.5, 0);
  });

  it('counts calls in flight that do not end', () => {
    const load = new MethodLoad(0);
    run({ seconds: 10, perSecond: 100, takeMs: 5 }, load);
    for (let call = 0; call < 10; call += 1) load.begin(11_000);
    load.end('answered', 14_000);
    const figures = load.read(14_000);
    expect(figures.utilization).toBeGreaterThan(7);
    expect(figures.callsPerSecond).toBeLessThan(10);
  });

  it('ignores differences that no caller would notice', () => {
    const fast = takes(run({ seconds: 5, perSecond: 100, takeMs: 0.01 }));
    const slower = takes(run({ seconds: 5, perSecond: 100, takeMs: 0.05 }));
    expect(slower / fast).toBeLessThan(1.1);
  });

  it('counts faults, and does not take them for fast replies', () => {
    const sound = run({ seconds: 5, perSecond: 100, takeMs: 20 });
    const failing = run({ seconds: 5, perSecond: 100, takeMs: 0.1, how: 'failed' });
    expect(failing.faultsPerSecond).toBeCloseTo(failing.callsPerSecond, 5);
    expect(takes(failing)).toBeGreaterThan(5 * takes(sound));
  });

  it('counts the time of cancelled calls, but not the calls', () => {
    const load = new MethodLoad(0);
    load.begin(0);
    load.begin(0);
    load.end('cancelled', 50);
    load.end('answered', 100);
    expect(takes(load.read(100))).toBeCloseTo(150.5, 5);
  });

  it('is finite for any time', () => {
    const load = new MethodLoad(5);
    load.begin(5);
    load.end('answered', 5);
    expect(load.read(5)).toEqual({ callsPerSecond: 1, faultsPerSecond: 0, utilization: 0.0005 });
    expect(load.read(5)).toEqual(load.read(5));
    expect(Object.values(load.read(1e12)).every(Number.isFinite)).toBe(true);
  });
});
