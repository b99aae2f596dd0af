import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { resolution } from '../../test/support/endpoints.js';
import { methodOf } from '../../test/support/method.js';
import { makePool } from '../../test/support/pool.js';
import { noWaits } from '../../test/support/retried-calls.js';
import { wireCall } from '../../test/support/wire-call.js';
import { Metadata } from '../call/metadata.js';
import { DEFAULT_BALANCING } from '../contract/balancing.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { callInstance } from './call-instance.js';
import { RetryBudget } from './failure.js';
import { LoadWeight } from './load-weight.js';
import { callWithRetries } from './retry.js';
import type { MethodCandidate } from './subchannel.js';

type Report = Parameters<typeof OrcaLoadReport.fromPartial>[0];

const encode = (report: Report) => OrcaLoadReport.encode(OrcaLoadReport.fromPartial(report)).finish();

/** A server's weight, and what it says at last. */
function start() {
  const clock = new ManualClock();
  const weight = new LoadWeight(clock);
  const say = (report: Report | Uint8Array) => weight.note(report instanceof Uint8Array ? report : encode(report));
  /** Says the same for a while, every 100 ms, and tells what weight it has then. */
  const repeat = async (report: Report | Uint8Array, ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      say(report);
      await clock.advance(100);
    }
    return weight.value;
  };
  return { clock, weight, say, repeat };
}

/** What a server says whose calls take `seconds`, where it gets 100 a second. */
const taking = (seconds: number): Report => ({ rpsFractional: 100, applicationUtilization: 100 * seconds });

describe('the weight', () => {
  it.each<[string, Report, number]>([
    ['the rate by the utilization that the application tells', { rpsFractional: 90, applicationUtilization: 0.5 }, 180],
    ['the rate by that of the processor', { rpsFractional: 90, cpuUtilization: 0.5 }, 180],
    ['the application goes first', { rpsFractional: 90, applicationUtilization: 0.5, cpuUtilization: 0.9 }, 180],
    ['faults are a burden', { rpsFractional: 90, applicationUtilization: 0.5, eps: 36 }, 100],
    ['above 1, too', { rpsFractional: 90, applicationUtilization: 30 }, 3],
  ])('is what gRFC A58 says: %s', async (_what, report, expected) => {
    expect(await start().repeat(report, 1_000)).toBeCloseTo(expected, 6);
  });

  it('is used a second after the first report', async () => {
    const { clock, weight, say } = start();
    expect(weight.value).toBeUndefined();
    say(taking(0.01));
    await clock.advance(999);
    expect(weight.value).toBeUndefined();
    await clock.advance(1);
    expect(weight.value).toBeCloseTo(100, 6);
  });

  it('follows within three seconds; who becomes slow is heard at once', async () => {
    const { repeat } = start();
    await repeat(taking(0.005), 2_000);
    expect(await repeat(taking(0.1), 500)).toBeLessThan(25);
    expect(await repeat(taking(0.1), 2_500)).toBeLessThan(11);
    expect(await repeat(taking(0.005), 4_000)).toBeGreaterThan(135);
  });

  it('does not jump at one report', async () => {
    const { weight, say, repeat } = start();
    await repeat(taking(0.005), 2_000);
    say(taking(0.1));
    expect(weight.value).toBeGreaterThan(60);
    expect(weight.value).toBeLessThan(80);
  });

  it('runs out 15 seconds after the last report, and begins anew', async () => {
    const { clock, weight, say, repeat } = start();
    await repeat(taking(1), 2_000);
    await clock.advance(14_899);
    expect(weight.value).toBeCloseTo(1, 6);
    await clock.advance(1);
    expect(weight.value).toBeUndefined();
    say(taking(0.01));
    expect(weight.value).toBeUndefined();
    await clock.advance(1_000);
    expect(weight.value).toBeCloseTo(100, 6);
  });
});

const NUMBERS = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -1,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
];
const FIELDS = ['rpsFractional', 'applicationUtilization', 'eps'] as const;

describe('what cannot be believed', () => {
  it.each<[string, Report | Uint8Array]>([
    ['nothing', {}],
    ['no rate', { applicationUtilization: 0.5 }],
    ['no utilization', { rpsFractional: 10 }],
    ['a rate of before', { rps: 10n, cpuUtilization: 0.5 }],
    ['no message', new Uint8Array([255, 255, 255])],
    ['half a message', encode(taking(1)).subarray(0, 6)],
    ['text', Buffer.from('0.5')],
  ])('changes nothing: %s', async (_what, report) => {
    const { weight, repeat } = start();
    await repeat(report, 2_000);
    expect(weight.value).toBeUndefined();
    await repeat(taking(0.01), 2_000);
    expect(await repeat(report, 2_000)).toBeCloseTo(100, 6);
  });

  it.each(FIELDS.flatMap((field) => NUMBERS.map((value) => [field, value] as const)))(
    'leaves a weight that can be: %s %d',
    async (field, value) => {
      const { repeat } = start();
      await repeat(taking(0.01), 2_000);
      const weight = await repeat({ ...taking(0.01), [field]: value }, 5_000);
      expect(weight).toBeGreaterThan(0);
      expect(weight).toBeLessThanOrEqual(100.001);
    },
  );
});

const BY_LOAD = { ...DEFAULT_BALANCING, weights: 'load' } as const;

/** What comes with the end of a call whose server's calls take `seconds`. */
function trailer(seconds: number): Metadata {
  const report = OrcaLoadReport.fromPartial({ rpsFractional: 100, applicationUtilization: 100 * seconds });
  return new Metadata([['endpoint-load-metrics-bin', OrcaLoadReport.encode(report).finish()]]);
}

function begin(balancing = BY_LOAD as typeof DEFAULT_BALANCING) {
  const { pool, clock, at, candidate } = makePool({ balancing });
  pool.onResolution(resolution('a', 'b'));
  const end = (of: MethodCandidate, last: Metadata | undefined) => {
    pool.onBegin(of);
    pool.onEnd(of, { error: undefined, elapsedMs: 1, endedAt: clock.now(), trailer: last });
  };
  return { pool, clock, at, candidate, end };
}

describe('the load that an instance reports', () => {
  it('is its weight for the calls of that method alone', async () => {
    const { clock, candidate, end } = begin();
    end(candidate('a'), trailer(0.1));
    end(candidate('b'), new Metadata());
    await clock.advance(1_000);
    expect(candidate('a').loadWeight).toBeCloseTo(10, 6);
    expect(candidate('b').loadWeight).toBeUndefined();
    expect(candidate('a', methodOf('unknown', { path: '/s.S/Other' })).loadWeight).toBeUndefined();
  });

  it('is not looked at where the service is not balanced by it', async () => {
    const { clock, candidate, end } = begin(DEFAULT_BALANCING);
    const looked = new Metadata();
    looked.getBytes = () => {
      throw new Error('looked at');
    };
    end(candidate('a'), looked);
    end(candidate('a'), trailer(0.1));
    await clock.advance(1_000);
    expect(candidate('a').loadWeight).toBeUndefined();
    const byLoad = begin();
    expect(() => byLoad.end(byLoad.candidate('a'), looked)).toThrow('looked at');
  });

  it('is read no more than once in 50 ms', async () => {
    const { clock, candidate, end } = begin();
    end(candidate('a'), trailer(0.1));
    await clock.advance(49);
    end(candidate('a'), trailer(10));
    await clock.advance(951);
    expect(candidate('a').loadWeight).toBeCloseTo(10, 6);
  });

  it('is forgotten where it is connected again', async () => {
    const { clock, at, candidate, end } = begin();
    end(candidate('a'), trailer(0.1));
    end(candidate('b'), trailer(0.1));
    await clock.advance(1_000);
    at('a:1').move('transient_failure');
    at('a:1').move('ready');
    expect(candidate('a').loadWeight).toBeUndefined();
    expect(candidate('b').loadWeight).toBeCloseTo(10, 6);
  });

  it.each([
    ['a reply', {}],
    ['an error', { error: new RpcError(Status.NOT_FOUND, 'no such', { metadata: trailer(0.1) }) }],
    ['a stream', { responseStream: true }],
  ])(
    'comes with %s',
    async (_what, { error, responseStream = false }: { error?: RpcError; responseStream?: boolean }) => {
      const { pool, clock, at, candidate } = begin();
      const header = new Metadata();
      const last = new Metadata();
      async function* messages() {
        yield new Uint8Array();
        last.appendAll(trailer(0.1));
      }
      for (const address of ['a:1', 'b:1']) {
        at(address).call = async () => {
          if (error !== undefined) throw error;
          if (responseStream) return { header, trailer: last, response: { stream: true, messages: messages() } };
          return { header, trailer: trailer(0.1), response: { stream: false, message: new Uint8Array() } };
        };
      }
      const wire = wireCall({ responseStream });
      const options = { pool, clock, random: noWaits, attempts: [], budget: new RetryBudget({ clock }) };
      for (let call = 0; call < 2; call += 1) {
        const reply = await callWithRetries(methodOf('no_side_effects'), wire, options).catch(() => undefined);
        if (reply?.response.stream) for await (const _message of reply.response.messages);
      }
      await clock.advance(1_000);
      expect([candidate('a').loadWeight, candidate('b').loadWeight]).toEqual([expect.closeTo(10), expect.closeTo(10)]);
    },
  );

  it('comes from an instance that was named', async () => {
    const { pool, clock, at, candidate } = begin();
    const response = { stream: false, message: new Uint8Array() } as const;
    at('a:1').call = async () => ({ header: new Metadata(), trailer: trailer(0.1), response });
    const options = { pool, clock, attempts: [], budget: new RetryBudget({ clock }), instance: 'a' };
    await callInstance(methodOf('unknown'), wireCall(), options);
    await clock.advance(1_000);
    expect(candidate('a').loadWeight).toBeCloseTo(10, 6);
  });
});
