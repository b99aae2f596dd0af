import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { Status } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { startFakeRegistry } from './fake-registry.js';
import { instance, instanceAt } from './instance.js';
import { begin, rondo } from './recording-context.js';
import { startConformance } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: Record<string, string>;

beforeEach(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
  for (const id of ['a-1', 'a-2', 'a-3']) registry.put(instance(id, ['a.v1.A']));
  registry.put(instance('b-1', ['a.v1.A', 'b.v1.B']));
});

afterEach(() => registry.stop());

const run = (...args: readonly string[]) => rondo(args, { environment });

const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('rondo cordon', () => {
  it('cordons instances, each once, and prints how to put them back', async () => {
    const { exitCode, stdout, stderr } = await run('cordon', 'a-1', 'a-2', 'a-1', '--reason', 'odd answers');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'a-1 is cordoned (odd answers): it gets no new calls. To put it back: rondo uncordon a-1',
        'a-2 is cordoned (odd answers): it gets no new calls. To put it back: rondo uncordon a-2',
        '',
      ].join('\n'),
    );
    expect(registry.marks()).toEqual([
      { instanceId: 'a-1', reason: 'odd answers' },
      { instanceId: 'a-2', reason: 'odd answers' },
    ]);
  });

  it('leaves a cordoned instance as it is, unless there is another reason', async () => {
    await run('cordon', 'a-1', '--reason', 'odd answers');
    // The registry would refuse a second request.
    registry.refuse(Status.INTERNAL, 'asked again');
    const again = await run('cordon', 'a-1', '--json');
    expect(lines(again.stdout)).toEqual([
      { instanceId: 'a-1', state: 'CORDONED', changed: false, reason: 'odd answers' },
    ]);
    expect((await run('cordon', 'a-1')).stdout).toBe('a-1 is cordoned already (odd answers)\n');
    expect((await run('cordon', 'a-1', '--reason', 'new disk')).stderr).toContain('asked again');
    registry.refuse(undefined);
    await run('cordon', 'a-1', '--reason', 'new disk');
    expect(registry.marks()).toEqual([{ instanceId: 'a-1', reason: 'new disk' }]);
  });

  it('records the user as the reason if none is given', async () => {
    await rondo(['cordon', 'a-1'], { environment: { ...environment, USER: 'ada' } });
    await run('cordon', 'a-2');
    expect(registry.marks()).toEqual([
      { instanceId: 'a-1', reason: 'by ada' },
      { instanceId: 'a-2', reason: '' },
    ]);
  });

  it('changes nothing if an id is unknown, and suggests a similar one', async () => {
    const { exitCode, stdout, stderr } = await run('cordon', 'a-1', 'a_2');
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe(
      'rondo: NOT_FOUND: no instance "a_2" is registered. Did you mean "a-2"? There are: a-1, a-2, a-3, b-1\n',
    );
    expect(registry.marks()).toEqual([]);
    registry.setWarming(true);
    const json = await run('cordon', 'zebra', '--json');
    expect(lines(json.stderr)).toMatchObject([
      { error: { code: 'NOT_FOUND', message: expect.stringContaining('it may still come back') } },
    ]);
  });

  it('names only some of many ids', async () => {
    for (let index = 0; index < 20; index += 1) registry.put(instance(`many-${index}`, ['a.v1.A']));
    expect((await run('cordon', 'zebra')).stderr).toContain('and 14 more, which rondo ps lists');
  });

  it('refuses to leave a service without an instance, unless it is forced', async () => {
    const { exitCode, stderr } = await run('cordon', 'b-1');
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      'rondo: FAILED_PRECONDITION: without b-1 no instance serves b.v1.B: every call of it would fail; ' +
        'start another instance first, or use --force\n',
    );
    const all = await run('cordon', 'a-1', 'a-2', 'a-3', 'b-1');
    expect(all.stderr).toContain('no instance serves a.v1.A, b.v1.B:');
    expect(registry.marks()).toEqual([]);
    expect((await run('cordon', 'b-1', '--force')).exitCode).toBe(0);
    expect(registry.marks()).toHaveLength(1);
  });

  it('counts on no other that is cordoned, or whose lease ran out', async () => {
    await run('cordon', 'a-1', 'b-1', '--force');
    registry.put(instance('a-3', ['a.v1.A'], { lapseTime: new Date(systemClock.now()) }));
    expect((await run('cordon', 'a-2')).stderr).toContain('no instance serves a.v1.A:');
    expect((await run('cordon', 'a-3')).exitCode).toBe(0);
    // An instance that is cordoned already doesn't count.
    expect((await run('cordon', 'b-1')).exitCode).toBe(0);
  });

  it('prints the error of the registry, after the results before it', async () => {
    registry.refuse(Status.RESOURCE_EXHAUSTED, 'the registry holds 1 cordoned, as many as it may', { after: 1 });
    const { exitCode, stdout, stderr } = await run('cordon', 'a-1', 'a-2');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^a-1 is cordoned:.*\n$/);
    expect(stderr).toMatch(/^rondo: RESOURCE_EXHAUSTED: the registry holds 1 cordoned, as many as it may\n/);
  });

  it.each(['cordon', 'uncordon', 'drain'])(
    '%s names the address of a registry that can not be reached',
    async (name) => {
      const { exitCode, stderr } = await run(name, 'a-1', '--registry', '127.0.0.1:1');
      expect(exitCode).toBe(1);
      expect(stderr).toContain("the registry at 127.0.0.1:1 can't be reached (connect ECONNREFUSED 127.0.0.1:1)");
      const nothing = await run(name);
      expect([nothing.exitCode, nothing.stderr]).toEqual([
        2,
        expect.stringMatching(/^rondo: name the instances? to .*ps/),
      ]);
    },
  );
});

describe('rondo uncordon', () => {
  it('uncordons cordoned instances, registered or not, and leaves others as they are', async () => {
    await run('cordon', 'a-1');
    registry.mark('gone-1', '');
    const { exitCode, stdout } = await run('uncordon', 'a-1', 'a-2', 'gone-1', '--json');
    expect(exitCode).toBe(0);
    expect(lines(stdout)).toEqual([
      { instanceId: 'a-1', state: 'NONE', changed: true, reason: '' },
      { instanceId: 'a-2', state: 'NONE', changed: false, reason: '' },
      { instanceId: 'gone-1', state: 'NONE', changed: true, reason: '' },
    ]);
    expect(registry.marks()).toEqual([]);
    expect((await run('uncordon', 'a-1')).stdout).toBe('a-1 is not cordoned\n');
    expect((await run('uncordon', 'gone-1')).stderr).toContain('NOT_FOUND: no instance "gone-1" is registered');
  });
});

/** Runs `rondo` on a clock on which a wait of `waitMs` passes at once, and `moreMs` after it. */
async function runPassing(args: readonly string[], waitMs: number, moreMs = 0) {
  const clock = new ManualClock();
  const passing = {
    now: () => clock.now(),
    setTimer(delayMs: number, callback: () => void) {
      const timer = clock.setTimer(delayMs, callback);
      if (delayMs === waitMs) void clock.advance(waitMs + moreMs);
      return timer;
    },
  };
  return rondo(args, { environment, clock: passing });
}

describe('rondo drain', () => {
  let service: Awaited<ReturnType<typeof startConformance>>;
  let channel: ReturnType<typeof createChannel>;

  beforeEach(async () => {
    service = await startConformance('c-1', registry.address);
    registry.put(instance('c-2', ['rondo.conformance.v1.ConformanceService']));
    await registry.until('c-1', 'INSTANCE_STATUS_SERVING');
    channel = createChannel({ resolver: staticResolver([service.address]) });
  });

  afterEach(async () => {
    channel.close();
    await service.drain();
  });

  const client = () => createClient(ConformanceServiceDefinition, { channel });

  /** Resolves when the instance has reported its load so often, as it does to `rondo drain` at the same time. */
  async function reported(times: number): Promise<void> {
    const orca = createClient(OpenRcaServiceDefinition, { channel });
    let left = times;
    for await (const _ of orca.streamCoreMetrics({ reportInterval: { seconds: 0n, nanos: 2e8 } })) {
      left -= 1;
      if (left === 0) return;
    }
  }

  it('cordons an instance, and says that it can be stopped once no call is in flight', async () => {
    const open = client().serverStream({})[Symbol.asyncIterator](); // nothing ends it but its caller
    await open.next();
    const call = client().serverStream({}, { timeoutMs: 600_000 })[Symbol.asyncIterator]();
    await call.next();
    const clock = new ManualClock();
    const { stdout, stderr, exitCode } = begin(['drain', 'c-1', '--reason', 'new disk'], {
      environment,
      clock,
      live: true,
    });
    await stderr.shows(/^c-1 is cordoned \(new disk\); waiting for its calls to end\n1 in flight\n/);
    expect(registry.marks()).toEqual([{ instanceId: 'c-1', reason: 'new disk' }]);
    await clock.advance(2_500); // longer than a drain without calls in flight
    await reported(3);
    expect(stdout.text()).toBe('');
    await call.return?.();
    expect(await exitCode).toBe(0);
    expect(stdout.text()).toBe('c-1 can be stopped\n');
    await open.return?.();
  });

  it('gives up after the timeout, prints the calls in flight, and leaves the instance cordoned', async () => {
    const call = client().serverStream({}, { timeoutMs: 600_000 })[Symbol.asyncIterator]();
    await call.next();
    const clock = new ManualClock();
    const { exitCode, stdout, stderr } = begin(['drain', 'c-1', '--timeout', '4s', '--json'], {
      environment,
      clock,
      live: true,
    });
    await stderr.shows(/^1 in flight\n/);
    await clock.advance(4_000);
    expect(await exitCode).toBe(1);
    await call.return?.();
    expect(lines(stdout.text())).toEqual([{ instanceId: 'c-1', drained: false, outcome: 'busy', callsInFlight: 1 }]);
    expect(lines(stderr.text().replace('1 in flight\n', ''))).toMatchObject([
      {
        error: {
          code: 'DEADLINE_EXCEEDED',
          message:
            'c-1 still has 1 call in flight after 4s; it stays cordoned. ' +
            'To go on waiting: rondo drain c-1; to put it back: rondo uncordon c-1',
        },
      },
    ]);
    expect(registry.marks()).toHaveLength(1);
  });

  it('does not end while a client that knows the address goes on calling', async () => {
    const clock = new ManualClock();
    const { exitCode, stderr } = begin(['drain', 'c-1', '--timeout', '10m'], { environment, clock, live: true });
    await stderr.shows(/0 in flight\n/);
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await client().unary({ text: 'x' });
      await reported(2);
      await clock.advance(1_000);
    }
    await clock.advance(600_000);
    expect(await exitCode).toBe(1);
    expect(stderr.text()).toMatch(/c-1 is still called, [\d.]+ times a second, by a client that doesn't use/);
  });

  it('waits for a fixed time if an instance does not report its load, and says so', async () => {
    registry.put(instanceAt(registry.address, 'foreign-1', ['a.v1.A']));
    const { exitCode, stdout, stderr } = await runPassing(['drain', 'foreign-1'], 10_000);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'foreign-1 can be stopped\n' });
    expect(stderr).toContain(
      "foreign-1 doesn't report how many calls it has in flight; rondo has waited 10 s instead\n",
    );
    const json = await runPassing(['drain', 'foreign-1', '--json'], 10_000);
    expect(lines(json.stdout)).toEqual([
      { instanceId: 'foreign-1', drained: true, outcome: 'untold', callsInFlight: null },
    ]);
    expect(json.stderr).toBe('');
  });

  it('says that the calls of an unreachable instance are not known', async () => {
    registry.put(instanceAt('127.0.0.1:1', 'dead-1', ['a.v1.A']));
    // The time is over while it waits for its second attempt.
    const { exitCode, stdout, stderr } = await runPassing(['drain', 'dead-1', '--timeout', '2s'], 500, 2_000);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /UNAVAILABLE: the calls in flight at dead-1 aren't known: it can't be reached \(.*connect ECONNREFUSED.*\), after 2s/,
    );
  });

  it('ends if the instance leaves by itself, even while the registry is starting', async () => {
    const draining = begin(['drain', 'c-1'], { environment });
    await draining.stderr.shows(/waiting/);
    await service.drain();
    expect(await draining.exitCode).toBe(0);
    expect(draining.stdout.text()).toBe('c-1 has left by itself\n');

    registry.put(instanceAt('127.0.0.1:1', 'dead-1', ['a.v1.A']));
    const other = begin(['drain', 'dead-1', '--timeout', '1500ms'], { environment, clock: systemClock });
    await other.stderr.shows(/waiting/);
    registry.setWarming(true);
    registry.remove('dead-1');
    expect(await other.exitCode).toBe(1);
  });

  it('refuses what rondo cordon refuses, and an instance that is not registered', async () => {
    registry.remove('c-2');
    expect((await run('drain', 'c-1')).stderr).toContain('no instance serves rondo.conformance.v1.ConformanceService');
    expect((await run('drain', 'c_1')).stderr).toContain('Did you mean "c-1"?');
    registry.mark('gone-1', '');
    const { exitCode, stderr } = await run('drain', 'gone-1');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('gone-1 is cordoned, but not registered')]);
    expect((await run('drain', 'c-1', '--timeout', 'soon')).exitCode).toBe(2);
  });

  it('says at Ctrl-C how things stand', async () => {
    const { stderr, exitCode, interrupt } = begin(['drain', 'c-1'], { environment });
    await stderr.shows(/waiting/);
    interrupt();
    expect(await exitCode).toBe(130);
    expect(stderr.text()).toContain('it stays cordoned. To go on waiting: rondo drain c-1;');
  });
});
