import { describe, expect, it } from '@jest/globals';
import { type Logger, silentLogger } from '@rondo/rpc/call';
import { ManualClock } from '@rondo/rpc/testing';
import {
  IdentityRefused,
  IncarnationAhead,
  InstanceTakenOver,
  LeaseNotFound,
  LimitReached,
  SecretMismatch,
} from '../domain/errors.js';
import { RefusalLog } from './refusal-log.js';

const taken = new InstanceTakenOver('sales-1', 9n);

function start() {
  const clock = new ManualClock();
  const lines: object[] = [];
  const warn: Logger['warn'] = (fields, message) => void lines.push({ ...fields, message });
  const refusalLog = new RefusalLog({ ...silentLogger, warn }, clock);
  const note = (fault: unknown, instanceId = 'sales-1') =>
    refusalLog.record(fault, { registration: { instanceId, incarnation: 7n }, peer: '10.0.0.7:4242' });
  return { clock, lines, refusalLog, note };
}

describe('the refusal log', () => {
  it('counts refusals by reason, and no other fault', () => {
    const { refusalLog, note, lines } = start();
    note(taken);
    note(taken);
    note(new SecretMismatch('sales-1', 7n));
    note(new IncarnationAhead('sales-1', 7n, 0));
    note(new LimitReached('instances', 1));
    note(new LeaseNotFound('sales-1'));
    note(new Error('a fault of another kind'));
    expect(refusalLog.counts).toEqual({
      later_incarnation: 2,
      secret: 1,
      incarnation_ahead: 1,
      limit: 1,
      identity: 0,
      holder: 0,
    });
    expect(lines).toHaveLength(4);
  });

  it('logs the instance, the address of the caller and the reason', () => {
    const { note, lines } = start();
    note(taken);
    expect(lines).toEqual([
      {
        instanceId: 'sales-1',
        incarnation: '7',
        reason: 'later_incarnation',
        peer: '10.0.0.7:4242',
        message: 'a registration was refused: a process that started later holds its instance id',
      },
    ]);
  });

  it("logs an operator's call of a service, by its certificate, and counts no registration", () => {
    const { refusalLog, lines } = start();
    const refused = (who: string) => new IdentityRefused(`spiffe://rondo.test/${who} may not cordon instances`);
    for (const who of ['sales', 'sales', 'gateway']) refusalLog.recordCall(refused(who), '10.0.0.7:4242');
    refusalLog.recordCall(new LeaseNotFound('sales-1'), '10.0.0.7:4242');
    expect(lines).toEqual([
      { peer: '10.0.0.7:4242', message: 'a call was refused: spiffe://rondo.test/sales may not cordon instances' },
      {
        peer: '10.0.0.7:4242',
        leftOut: 1,
        message: 'a call was refused: spiffe://rondo.test/gateway may not cordon instances',
      },
    ]);
    expect(refusalLog.counts.identity).toBe(0);
  });

  it('logs one instance id once a minute, with the number of omitted lines', async () => {
    const { clock, note, lines, refusalLog } = start();
    for (let second = 0; second < 120; second += 1) {
      note(taken);
      await clock.advance(1_000);
    }
    expect(lines).toMatchObject([{ instanceId: 'sales-1' }, { instanceId: 'sales-1', leftOut: 59 }]);
    expect(refusalLog.counts.later_incarnation).toBe(120);
  });

  it('logs at most ten lines a minute for many instance ids', async () => {
    const { clock, note, lines } = start();
    for (let index = 0; index < 5_000; index += 1) note(taken, `i-${index}`);
    expect(lines).toHaveLength(10);
    await clock.advance(60_000);
    note(taken, 'the next');
    expect(lines.slice(10)).toMatchObject([{ instanceId: 'the next', leftOut: 4_990 }]);
  });
});
