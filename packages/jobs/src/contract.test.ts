import { expect, it } from '@jest/globals';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { type Declared, declare } from '../test/declare.js';
import { jobMethodsOf } from './contract.js';

const serviceWith = (policy: Declared, idempotencyLevel?: string) => ({
  ...ChoreServiceDefinition,
  methods: { run: declare(ChoreServiceDefinition.methods.doChore, policy, idempotencyLevel) },
});

it('a contract has defaults', () => {
  const [job] = jobMethodsOf([serviceWith({ job: {} })]).values();
  expect(job).toMatchObject({
    name: 'rondo.conformance.v1.ChoreService/DoChore',
    maxAttempts: 12,
    backoff: { baseMs: 1_000, maxMs: 3_600_000 },
    maxRunning: undefined,
    maxRunningPerKey: undefined,
    occurrences: undefined,
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
  [
    'job.max_running_per_key.running is 0; it must be from 1 to 1,000',
    { job: { maxRunningPerKey: { field: 'chore' } } },
    'IDEMPOTENT',
  ],
  ['job.max_running_per_key names no field', { job: { maxRunningPerKey: { running: 1 } } }, 'IDEMPOTENT'],
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
