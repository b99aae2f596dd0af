import { describe, expect, it } from '@jest/globals';
import { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
import { resolution } from '../../../test/support/endpoints.js';
import { makeGroup } from '../../../test/support/group.js';
import { methodOf } from '../../../test/support/method.js';
import { wireCall } from '../../../test/support/wire-call.js';
import { Metadata } from '../../call/index.js';
import { DEFAULT_BALANCING } from '../../contract/index.js';
import { RetryBudget } from '../../resilience/retry-budget.js';
import { RpcError, Status } from '../../status/index.js';
import { tryInTurn } from '../attempts/attempts.js';
import { tryThere } from '../attempts/try-there.js';
import type { Target } from '../member/target.js';

const BY_LOAD = { ...DEFAULT_BALANCING, weights: 'load' } as const;

/** What comes with the end of a call whose server's calls take `seconds`. */
function trailer(seconds: number): Metadata {
  const report = OrcaLoadReport.fromPartial({ rpsFractional: 100, applicationUtilization: 100 * seconds });
  return new Metadata([['endpoint-load-metrics-bin', OrcaLoadReport.encode(report).finish()]]);
}

function start(balancing = BY_LOAD as typeof DEFAULT_BALANCING) {
  const { group, clock, at, target } = makeGroup({ balancing });
  group.onResolution(resolution('a', 'b'));
  const end = (of: Target, last: Metadata | undefined) => {
    group.onBegin(of);
    group.onEnd(of, { error: undefined, elapsedMs: 1, endedAt: clock.now(), trailer: last });
  };
  return { group, clock, at, target, end };
}

describe('the load that an instance reports', () => {
  it('is its weight for the calls of that method alone', async () => {
    const { clock, target, end } = start();
    end(target('a'), trailer(0.1));
    end(target('b'), new Metadata());
    await clock.advance(1_000);
    expect(target('a').loadWeight).toBeCloseTo(10, 6);
    expect(target('b').loadWeight).toBeUndefined();
    expect(target('a', methodOf('unknown', { path: '/s.S/Other' })).loadWeight).toBeUndefined();
  });

  it('is not looked at where the service is not balanced by it', async () => {
    const { clock, target, end } = start(DEFAULT_BALANCING);
    const looked = new Metadata();
    looked.getBytes = () => {
      throw new Error('looked at');
    };
    end(target('a'), looked);
    end(target('a'), trailer(0.1));
    await clock.advance(1_000);
    expect(target('a').loadWeight).toBeUndefined();
    const byLoad = start();
    expect(() => byLoad.end(byLoad.target('a'), looked)).toThrow('looked at');
  });

  it('is read no more than once in 50 ms', async () => {
    const { clock, target, end } = start();
    end(target('a'), trailer(0.1));
    await clock.advance(49);
    end(target('a'), trailer(10));
    await clock.advance(951);
    expect(target('a').loadWeight).toBeCloseTo(10, 6);
  });

  it('is forgotten where it is connected again', async () => {
    const { clock, at, target, end } = start();
    end(target('a'), trailer(0.1));
    end(target('b'), trailer(0.1));
    await clock.advance(1_000);
    at('a:1').move('transient_failure');
    at('a:1').move('ready');
    expect(target('a').loadWeight).toBeUndefined();
    expect(target('b').loadWeight).toBeCloseTo(10, 6);
  });

  it.each([
    ['a reply', {}],
    ['an error', { error: new RpcError(Status.NOT_FOUND, 'no such', { metadata: trailer(0.1) }) }],
    ['a stream', { responseStream: true }],
  ])(
    'comes with %s',
    async (_what, { error, responseStream = false }: { error?: RpcError; responseStream?: boolean }) => {
      const { group, clock, at, target } = start();
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
      const options = { group, clock, attempts: [], budget: new RetryBudget({ clock }) };
      for (let call = 0; call < 2; call += 1) {
        const reply = await tryInTurn(methodOf('no_side_effects'), wire, options).catch(() => undefined);
        if (reply?.response.stream) for await (const _message of reply.response.messages);
      }
      await clock.advance(1_000);
      expect([target('a').loadWeight, target('b').loadWeight]).toEqual([expect.closeTo(10), expect.closeTo(10)]);
    },
  );

  it('comes from an instance that was named', async () => {
    const { group, clock, at, target } = start();
    const response = { stream: false, message: new Uint8Array() } as const;
    at('a:1').call = async () => ({ header: new Metadata(), trailer: trailer(0.1), response });
    const options = { group, clock, attempts: [], budget: new RetryBudget({ clock }), instance: 'a' };
    await tryThere(methodOf('unknown'), wireCall(), options);
    await clock.advance(1_000);
    expect(target('a').loadWeight).toBeCloseTo(10, 6);
  });
});
