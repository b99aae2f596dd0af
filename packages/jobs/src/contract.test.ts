import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { POLICY_TAG, type ServiceDefinition } from '@rondo/rpc/internal';
import { jobMethodsOf } from './contract.js';

type Declared = Parameters<typeof MethodPolicy.fromPartial>[0];

/** A service whose only method has this policy. */
function serviceWith(policy: Declared, idempotencyLevel = 'IDEMPOTENT'): ServiceDefinition {
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish();
  const prefixed = [bytes.length >= 128 ? [(bytes.length & 127) | 128, bytes.length >> 7] : [bytes.length]].flat();
  const options = { idempotencyLevel, _unknownFields: { [POLICY_TAG]: [new Uint8Array([...prefixed, ...bytes])] } };
  return { ...ChoreServiceDefinition, methods: { run: { ...ChoreServiceDefinition.methods.doChore, options } } };
}

it('a contract has defaults', () => {
  const [job] = jobMethodsOf([serviceWith({ job: {} })]).values();
  expect(job).toMatchObject({
    name: 'rondo.conformance.v1.ChoreService/DoChore',
    maxAttempts: 12,
    backoff: { baseMs: 1_000, maxMs: 3_600_000 },
    maxRunning: undefined,
    firings: undefined,
  });
  expect(jobMethodsOf([serviceWith({})]).size).toBe(0);
});

it.each<[string, Declared, string]>([
  ['job calls more than once: give the method idempotency', { job: {} }, 'IDEMPOTENCY_UNKNOWN'],
  [
    'idempotency.field is request_id: give idempotency.metadata instead',
    { job: {}, idempotency: { source: { $case: 'field', value: 'request_id' } } },
    'IDEMPOTENCY_UNKNOWN',
  ],
  ['job acts for no principal, and auth.scopes has home.do', { job: {}, auth: { scopes: ['home.do'] } }, 'IDEMPOTENT'],
  ['job.max_attempts is 101; it must be from 1 to 100', { job: { maxAttempts: 101 } }, 'IDEMPOTENT'],
  [
    'job.initial_backoff is 86401000 ms; it must be from 1 ms to 1 day',
    { job: { initialBackoff: { seconds: 86_401n } } },
    'IDEMPOTENT',
  ],
  [
    'job.max_backoff is 1000 ms; it must be from initial_backoff to 1 day',
    { job: { initialBackoff: { seconds: 2n }, maxBackoff: { seconds: 1n } } },
    'IDEMPOTENT',
  ],
  ['job.max_running is -1; it must be from 1 to 1,000', { job: { maxRunning: -1 } }, 'IDEMPOTENT'],
  ['job.schedule.cron is "61 * * * *": give five fields', { job: { schedule: { cron: '61 * * * *' } } }, 'IDEMPOTENT'],
  ['job.schedule.cron is "@daily": give five fields', { job: { schedule: { cron: '@daily' } } }, 'IDEMPOTENT'],
  [
    'job.schedule.cron is "2099-12-01T09:00:00": give five fields',
    { job: { schedule: { cron: '2099-12-01T09:00:00' } } },
    'IDEMPOTENT',
  ],
  [
    'job.schedule.cron is "0 0 31 2 *", which is at no time',
    { job: { schedule: { cron: '0 0 31 2 *' } } },
    'IDEMPOTENT',
  ],
  [
    'job.schedule.time_zone is "Mars/X": give an IANA name',
    { job: { schedule: { cron: '0 0 * * *', timeZone: 'Mars/X' } } },
    'IDEMPOTENT',
  ],
])('a contract that contradicts itself is refused: %s', (text, policy, level) => {
  expect(() => jobMethodsOf([serviceWith(policy, level)])).toThrow(text);
});
