import { describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { createHealth } from '../health.js';
import { createState, DRAINING, readinessOf } from '../state.js';
import { createCpuMeter, createLoadMeter } from './meter.js';
import { createLoadReports } from './reports.js';

/** A server whose `add` replies when the test says so, and whose streams end with their callers. */
function start() {
  const clock = new ManualClock();
  const readiness = createState(readinessOf([]));
  const meter = createLoadMeter({
    clock,
    ignored: [HealthDefinition.fullName, OpenRcaServiceDefinition.fullName],
    cpu: () => 0,
  });
  const waiting: (() => void)[] = [];
  const add = async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return { result: 5n };
  };
  const unused = () => Promise.reject(new Error('not part of this test'));
  const conformance = implement(ConformanceServiceDefinition, {
    unary: unused,
    unaryUnsafe: unused,
    clientStream: unused,
    async *serverStream(_request, { signal }) {
      yield { index: 1 };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    async *bidiStream() {},
    async *follow() {},
    unimplemented: unused,
  });
  const channel = createTestChannel({
    services: [
      implement(AdderServiceDefinition, { add }),
      conformance,
      createHealth({ readiness, services: [] }),
      createLoadReports({ meter, readiness, clock }),
    ],
    clock,
    middleware: [meter.middleware],
  });
  return {
    clock,
    readiness,
    meter,
    answerAll: () => {
      for (const answer of waiting.splice(0)) answer();
    },
    adder: createClient(AdderServiceDefinition, { channel }),
    conformance: createClient(ConformanceServiceDefinition, { channel }),
    health: createClient(HealthDefinition, { channel }),
    orca: createClient(OpenRcaServiceDefinition, { channel }),
  };
}

const milliseconds = (ms: number) => ({ seconds: 0n, nanos: ms * 1e6 });

describe('the load', () => {
  it('counts calls from start to end, however they end', async () => {
    const { clock, meter, adder, answerAll } = start();
    const calls = [adder.add({}), adder.add({}, { timeoutMs: 50 }), adder.add({})];
    const outcomes = Promise.allSettled(calls);
    await clock.advance(0);
    expect(meter.read()).toMatchObject({ callsInFlight: 3, callsBegun: 3 });
    await clock.advance(300);
    expect(meter.read()).toMatchObject({ callsInFlight: 2, callsBegun: 3 });
    answerAll();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(meter.read()).toMatchObject({ callsInFlight: 0, callsBegun: 3 });
  });

  it('excludes health checks, load reports, and streams that only their callers end', async () => {
    const { clock, meter, health, orca, conformance } = start();
    await health.check({});
    const streams = [orca.streamCoreMetrics({}), conformance.serverStream({})].map((s) => s[Symbol.asyncIterator]());
    await Promise.all(streams.map((stream) => stream.next()));
    expect(meter.read()).toMatchObject({ callsInFlight: 0, callsBegun: 0 });
    const bounded = conformance.serverStream({}, { timeoutMs: 5_000 })[Symbol.asyncIterator]();
    await bounded.next();
    expect(meter.read()).toMatchObject({ callsInFlight: 1, callsBegun: 1 });
    await Promise.all([...streams, bounded].map((stream) => stream.return?.()));
    await clock.advance(0);
    expect(meter.read()).toMatchObject({ callsInFlight: 0 });
  });

  it('has the rate of the last seconds', async () => {
    const { clock, meter, adder, answerAll } = start();
    const calls: Promise<unknown>[] = [];
    for (let second = 0; second < 20; second += 1) {
      calls.push(adder.add({}), adder.add({}));
      await clock.advance(1_000);
      answerAll();
    }
    expect(meter.read().callsPerSecond).toBeCloseTo(2, 5);
    await clock.advance(2_500);
    expect(meter.read().callsPerSecond).toBeCloseTo(1, 5);
    await clock.advance(2_500);
    expect(meter.read().callsPerSecond).toBe(0);
    calls.push(adder.add({}));
    await clock.advance(0);
    answerAll();
    await clock.advance(11_000);
    expect(meter.read().callsPerSecond).toBe(0);
    await Promise.all(calls);
  });
});

describe('StreamCoreMetrics', () => {
  it('sends the load at once, and then at the requested interval', async () => {
    const { clock, orca, adder, answerAll } = start();
    const call = adder.add({});
    await clock.advance(0);
    const reports = orca.streamCoreMetrics({ reportInterval: milliseconds(500) })[Symbol.asyncIterator]();
    expect((await reports.next()).value).toMatchObject({ namedMetrics: { calls_in_flight: 1, calls_begun: 1 } });
    answerAll();
    await call;
    const second = reports.next();
    await clock.advance(500);
    expect((await second).value).toMatchObject({
      rpsFractional: 0.2,
      namedMetrics: { calls_in_flight: 0, calls_begun: 1 },
    });
    await reports.return?.();
    await clock.advance(0);
    expect(clock.timers).toBe(0);
  });

  it.each([
    [milliseconds(0), 100],
    [milliseconds(99), 100],
    [{ seconds: -5n, nanos: 0 }, 100],
    [{ seconds: 86_400n, nanos: 0 }, 60_000],
    [undefined, 10_000],
  ])('clamps an interval of %o to %d ms', async (reportInterval, everyMs) => {
    const { clock, orca } = start();
    const reports = orca.streamCoreMetrics({ ...(reportInterval && { reportInterval }) })[Symbol.asyncIterator]();
    await reports.next();
    let received = false;
    const second = reports.next().then(() => {
      received = true;
    });
    await clock.advance(everyMs - 1);
    expect(received).toBe(false);
    await clock.advance(1);
    await second;
    await reports.return?.();
  });

  it('ends when the process drains, even if the stream has a deadline', async () => {
    const { clock, orca, readiness } = start();
    const reports = orca.streamCoreMetrics({}, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    await reports.next();
    const end = reports.next();
    readiness.set(DRAINING);
    expect((await end).done).toBe(true);
    const late = orca.streamCoreMetrics({})[Symbol.asyncIterator]();
    expect((await late.next()).done).toBe(false);
    expect((await late.next()).done).toBe(true);
    await clock.advance(0);
    expect(clock.timers).toBe(0);
  });
});

it('measures the utilization of the event loop since the last sample, once a second', async () => {
  const clock = new ManualClock();
  let loop = { active: 500, idle: 500 };
  let looks = 0;
  const cpu = createCpuMeter(clock, () => {
    looks += 1;
    return loop;
  });
  loop = { active: 1_400, idle: 600 };
  expect(cpu()).toBe(0);
  await clock.advance(1_000);
  expect(cpu()).toBeCloseTo(0.9, 5);
  loop = { active: 1_400, idle: 5_000 };
  await clock.advance(999);
  expect(cpu()).toBeCloseTo(0.9, 5);
  expect(looks).toBe(2);
  await clock.advance(1);
  expect(cpu()).toBe(0);
});

it('keeps the last value if no time has passed in the loop', async () => {
  const clock = new ManualClock();
  const cpu = createCpuMeter(clock, () => ({ active: 0, idle: 0 }));
  await clock.advance(5_000);
  expect(cpu()).toBe(0);
});
