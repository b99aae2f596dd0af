import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { conformanceService } from '../../test/support/service.js';
import { collect } from '../../test/support/stream.js';
import { createClient } from '../client/create-client.js';
import { Status, statusFromCode } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { createTestChannel } from '../testing/test-channel.js';
import { callLog } from './call-log.js';

const PATH = '/rondo.conformance.v1.ConformanceService';

function setUp(options: { everyCall?: () => boolean; quiet?: ReadonlySet<string> } = {}) {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const service = conformanceService({
    async unary({ behaviour }) {
      if (behaviour?.delay !== undefined) await clock.advance(Number(behaviour.delay.seconds) * 1000);
      if (behaviour !== undefined && behaviour.code > 0) throw new RpcError(statusFromCode(behaviour.code), 'as told');
      return {};
    },
    async *serverStream({ behaviour }) {
      yield { index: 0 };
      throw new RpcError(statusFromCode(behaviour?.code ?? 13), 'broke off');
    },
  });
  const middleware = [callLog({ clock, ...options })];
  const channel = createTestChannel({ services: [service], middleware, clock, logger });
  const client = createClient(ConformanceServiceDefinition, { channel });
  const fail = (code: Status) => expect(client.unary({ behaviour: { code } })).rejects.toThrow('as told');
  const breakOff = (code: Status) =>
    expect(collect(client.serverStream({ behaviour: { code } }))).rejects.toThrow('broke off');
  return { clock, lines, client, fail, breakOff };
}

describe('callLog', () => {
  it('logs ten calls per second and method, then how many it left out', async () => {
    const { clock, lines, client } = setUp();
    for (let call = 0; call < 25; call += 1) await client.unary({});
    expect(lines).toHaveLength(10);
    await clock.advance(1000);
    await client.unary({});
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'call', fields: { code: 'OK', leftOut: 15 } });
  });

  it.each([
    [Status.NOT_FOUND, { level: 'info', fields: { code: 'NOT_FOUND' } }],
    [Status.INTERNAL, { level: 'error', fields: { code: 'INTERNAL' } }],
    [Status.CANCELLED, { level: 'debug', message: 'call cancelled' }],
  ])('logs every failure with code %i, at a level that depends on which side is at fault', async (code, line) => {
    const { lines, fail } = setUp();
    for (let call = 0; call < 20; call += 1) await fail(code);
    expect(lines).toMatchObject(Array(20).fill(line));
  });

  it('logs every slow call', async () => {
    const { lines, client } = setUp();
    for (let call = 0; call < 12; call += 1) await client.unary({ behaviour: { delay: { seconds: 2n } } });
    expect(lines.filter(({ message }) => message === 'slow call')).toHaveLength(12);
  });

  it('logs a stream when it ends, with the status it ended with', async () => {
    const { lines, breakOff } = setUp();
    await breakOff(Status.INTERNAL);
    expect(lines).toMatchObject([{ message: 'call failed', fields: { code: 'INTERNAL', error: 'broke off' } }]);
  });

  it('keeps quiet methods quiet while they succeed', async () => {
    const { lines, client, fail } = setUp({ quiet: new Set([`${PATH}/Unary`]) });
    await client.unary({});
    expect(lines).toHaveLength(0);
    await fail(Status.INTERNAL);
    expect(lines).toHaveLength(1);
  });

  it.each([
    ['quiet', [`${PATH}/ServerStream`], 'debug'],
    ['other', [], 'warn'],
  ])('logs a %s stream that is broken off', async (_which, quiet, level) => {
    const { lines, breakOff } = setUp({ quiet: new Set(quiet) });
    await breakOff(Status.UNAVAILABLE);
    expect(lines).toMatchObject([{ level, fields: { code: 'UNAVAILABLE' } }]);
  });

  it('logs every call for debugging', async () => {
    const { lines, client } = setUp({ everyCall: () => true });
    for (let call = 0; call < 25; call += 1) await client.unary({});
    expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(25);
  });
});
