import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition, JobState } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition, RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import {
  BranchOutcome,
  CoordinatorServiceDefinition,
  ParticipantServiceDefinition,
  SagaState,
  TransactionState,
} from '@rondo/contracts/rondo/transactions/v1/transactions';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

/** Its id. */
export const STAND_IN = 'stand-in-1';
/** Its run. */
export const RUN = 'operations/stand.v1.InService/r-1';
const RENEW_MS = 2_000;
const time = new Date('2026-01-01T00:00:00Z');

/** A registered instance whose counters always grow by the same rates, and which has something unfinished of each kind. */
export async function startOperated(registryAddress: string) {
  const changed: string[] = [];
  let seconds = 0n;
  const note =
    (what: string) => (request: { readonly id?: bigint; readonly group?: string; readonly name?: string }) => {
      changed.push(`${what} ${request.id ?? request.group ?? request.name}`);
      return {};
    };
  const job = { id: 7n, method: 'stand.v1.InService/Work', key: 'a', state: JobState.JOB_STATE_FAILED, dueTime: time };
  const schedule = { cron: '0 3 * * *', timeZone: 'UTC', nextTime: time, skipped: 2n };
  const group = { name: 'stand.v1.Done:readers', method: 'stand.v1.InService/Read', waiting: 1n, failed: 1n, cut: 3n };
  const event = { id: 9n, group: group.name, key: 'b', publishTime: time, attempts: 4, error: 'it does not fit' };
  const ref = { coordinator: 'stand-in', id: 't-1' };
  const transaction = {
    ref,
    kind: 'move',
    subject: 'things/1',
    state: TransactionState.TRANSACTION_STATE_CONFLICT,
    attempts: 3,
    createTime: time,
    expireTime: time,
    decision: BranchOutcome.BRANCH_OUTCOME_COMMITTED,
    participants: [{ service: 'shelf', outcome: BranchOutcome.BRANCH_OUTCOME_ABORTED, error: '' }],
  };
  const saga = { id: 's-1', kind: 'ship', subject: 'things/2', state: SagaState.SAGA_STATE_PARKED, step: 'pack' };
  const services = [
    standIn(CallStatsServiceDefinition, {
      getCallStats() {
        seconds += 1n;
        const ended = [
          { code: 0, count: 8n * seconds },
          { code: 13, count: 2n * seconds },
        ];
        const methods = [{ service: 'stand.v1.InService', method: 'Work', begun: 10n * seconds + 3n, ended }];
        const uptime = { seconds };
        return {
          instanceId: STAND_IN,
          startTime: time,
          certificateEndTime: time,
          uptime,
          eventLoopActive: {},
          methods,
        };
      },
    }),
    standIn(JobServiceDefinition, {
      listJobs: () => ({
        methods: [{ method: job.method, failed: 1n, schedule }],
        jobs: [{ ...job, createTime: time, attempts: 5, error: 'no shelf', progress: 'half', refusals: 1 }],
      }),
      retryJob: note('retry job'),
      discardJob: note('discard job'),
    }),
    standIn(EventServiceDefinition, {
      listGroups: () => ({ topics: ['stand.v1.Done'], groups: [{ ...group, oldestTime: time }], events: [event] }),
      retryEvent: note('retry event'),
      discardEvent: note('discard event'),
      replayEvents: note('replay'),
      removeGroup: note('remove'),
    }),
    standIn(CoordinatorServiceDefinition, {
      listTransactions: () => ({ coordinator: ref.coordinator, transactions: [transaction] }),
      listSagas: () => ({ sagas: [{ ...saga, attempts: 6, error: 'no box', createTime: time }] }),
    }),
    standIn(ParticipantServiceDefinition, {
      listInDoubt: () => ({ participant: 'shelf', branches: [{ transaction: ref, prepareTime: time }] }),
    }),
  ];
  const steps = [{ name: 'pack', kind: 'call', undoing: false, beginTime: time, error: 'no box', repeated: true }];
  const run = {
    name: RUN,
    method: 'stand.v1.InService/Ship',
    key: 'c',
    caller: 'ada',
    state: RunState.RUN_STATE_BLOCKED,
    createTime: time,
    attempts: 7,
    error: 'no box',
    undoing: true,
    restoreTime: time,
  };
  services.push(
    standIn(RunServiceDefinition, {
      listRuns: () => ({ runs: [run] }),
      getRun: () => ({ ...run, steps }),
      retryRun: note('retry run'),
      cancelRun: note('cancel run'),
    }),
  );
  const server = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([registryAddress]) });
  const endpoints = [{ address: server.address, security: 1, protocols: [] }];
  const served = [...services.map(({ definition }) => definition.fullName), 'stand.v1.InService'];
  const instance = { instanceId: STAND_IN, endpoints, services: served, status: 2, version: '1.2.3', zone: 'eu/a' };
  const registry = createClient(RegistryServiceDefinition, { channel });
  const { leaseId } = await registry.register({ instance: { ...instance, weight: 50, incarnation: 1n } });
  const renewing = setInterval(() => {
    registry.renew({ leaseId, instanceId: STAND_IN }).catch(() => undefined);
  }, RENEW_MS);
  return {
    /** What operators have asked it to change. */
    changed,
    async stop() {
      clearInterval(renewing);
      channel.close();
      await server.drain(0);
    },
  };
}
