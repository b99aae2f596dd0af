import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { Logger } from '../call/call.js';
import { createClient } from '../client/create-client.js';
import { implement } from '../server/handlers.js';
import { type Status, statusFromCode } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { ManualClock } from '../testing/manual-clock.js';
import { createTestChannel } from '../testing/test-channel.js';
import { callLog } from './call-log.js';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

function recordingLogger(lines: Line[], bound: object = {}): Logger {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...bound, ...fields } });
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}

function setUp(options: { everyCall?: () => boolean; quiet?: ReadonlySet<string> } = {}) {
  const clock = new ManualClock();
  const lines: Line[] = [];
  const service = implement(ConformanceServiceDefinition, {
    async unary({ behaviour }) {
      if (behaviour?.delay !== undefined) await clock.advance(Number(behaviour.delay.seconds) * 1000);
      if (behaviour !== undefined && behaviour.code > 0) throw new RpcError(behaviour.code as Status, 'as told');
      return {};
    },
    unaryUnsafe: () => ({}),
    clientStream: () => ({}),
    async *serverStream({ behaviour }) {
      yield { index: 0 };
      throw new RpcError(statusFromCode(behaviour?.code ?? 13), 'broke off');
    },
    async *bidiStream() {},
    async *follow() {},
    unimplemented: () => ({}),
  });
  const middleware = [callLog({ clock, ...options })];
  const channel = createTestChannel({ services: [service], middleware, clock, logger: recordingLogger(lines) });
  return { clock, lines, client: createClient(ConformanceServiceDefinition, { channel }) };
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

  it('logs every failure, at a level that depends on which side is at fault', async () => {
    const { lines, client } = setUp();
    for (let call = 0; call < 20; call += 1) {
      await expect(client.unary({ behaviour: { code: 5 } })).rejects.toThrow('as told');
      await expect(client.unary({ behaviour: { code: 13 } })).rejects.toThrow('as told');
    }
    expect(lines.filter(({ level, fields }) => level === 'info' && fields['code'] === 'NOT_FOUND')).toHaveLength(20);
    expect(lines.filter(({ level, fields }) => level === 'error' && fields['code'] === 'INTERNAL')).toHaveLength(20);
  });

  it('logs no warning for a caller that cancels', async () => {
    const { lines, client } = setUp();
    await expect(client.unary({ behaviour: { code: 1 } })).rejects.toThrow('as told');
    expect(lines).toMatchObject([{ level: 'debug', message: 'call cancelled' }]);
  });

  it('logs every slow call', async () => {
    const { lines, client } = setUp();
    for (let call = 0; call < 12; call += 1) await client.unary({ behaviour: { delay: { seconds: 2n } } });
    expect(lines.filter(({ message }) => message === 'slow call')).toHaveLength(12);
  });

  it('logs a stream when it ends, with the status it ended with', async () => {
    const { lines, client } = setUp();
    const read = async () => {
      for await (const { index } of client.serverStream({})) expect(index).toBe(0);
    };
    await expect(read()).rejects.toThrow('broke off');
    expect(lines).toMatchObject([{ message: 'call failed', fields: { code: 'INTERNAL', error: 'broke off' } }]);
  });

  it('keeps quiet methods quiet while they succeed', async () => {
    const { lines, client } = setUp({ quiet: new Set(['/rondo.conformance.v1.ConformanceService/Unary']) });
    await client.unary({});
    expect(lines).toHaveLength(0);
    await expect(client.unary({ behaviour: { code: 13 } })).rejects.toThrow('as told');
    expect(lines).toHaveLength(1);
  });

  it('logs no warning for a quiet stream that is broken off', async () => {
    const path = '/rondo.conformance.v1.ConformanceService/ServerStream';
    for (const [quiet, level] of [
      [new Set([path]), 'debug'],
      [new Set<string>(), 'warn'],
    ] as const) {
      const { lines, client } = setUp({ quiet });
      const read = async () => {
        for await (const { index } of client.serverStream({ behaviour: { code: 14 } })) expect(index).toBe(0);
      };
      await expect(read()).rejects.toThrow('broke off');
      expect(lines).toMatchObject([{ level, fields: { code: 'UNAVAILABLE' } }]);
    }
  });

  it('logs every call for debugging', async () => {
    const { lines, client } = setUp({ everyCall: () => true });
    for (let call = 0; call < 25; call += 1) await client.unary({});
    expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(25);
  });
});
