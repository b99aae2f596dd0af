import { expect, it } from '@jest/globals';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import {
  ConsoleServiceDefinition,
  type InstanceWork,
  type ResolveWorkRequest,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import { createFleet, createGatherer } from '@rondo/operate/internal';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient, fixedEndpoint } from '@rondo/rpc/client';
import { systemWallClock } from '@rondo/rpc/clock';
import type { ResolverListener } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock, standIn } from '@rondo/rpc/testing';
import { consoleService } from './console-service.js';

/** A console whose only instance, `a`, has something of each kind, and refuses all. */
function start() {
  const clock = new ManualClock();
  let open = 0;
  const refuse = (what: string) => () => Promise.reject(new RpcError(Status.NOT_FOUND, `nothing to ${what}`));
  const services = [
    standIn(JobServiceDefinition, {
      listJobs: () => ({ jobs: [{ id: 7n }] }),
      retryJob: refuse('retry'),
      discardJob: refuse('discard'),
    }),
    standIn(EventServiceDefinition, {
      listGroups: () => ({ groups: [{ name: 'a.v1.Done:one' }], events: [{ id: 9n }] }),
      retryEvent: refuse('retry'),
    }),
    standIn(RunServiceDefinition, {
      listRuns: () => ({ runs: [{ name: 'r-1' }] }),
      retryRun: refuse('retry'),
      cancelRun: refuse('cancel'),
    }),
  ];
  const test = createTestChannel({ services, clock, admission: { adaptive: false } });
  const channel: Channel = {
    ...test,
    direct() {
      open += 1;
      const close = () => {
        open -= 1;
      };
      return { ...test, close };
    },
    followAll(listener: ResolverListener) {
      const endpoints = [
        fixedEndpoint('127.0.0.1:1', {
          instanceId: 'a',
          services: services.map(({ definition }) => definition.fullName),
        }),
      ];
      setImmediate(() => listener.onResolution({ endpoints, departed: [] }));
      return { close: () => undefined };
    },
  };
  const fleet = createFleet({ channel, clock, wallClock: systemWallClock, log: silentLogger });
  const service = consoleService({
    fleet,
    channel,
    clock,
    gatherer: createGatherer({ channel, clock }),
    registry: [],
    restart: { launcher: undefined, ownId: '' },
    dashboards: 'https://grafana.example/d',
  });
  const client = createClient(ConsoleServiceDefinition, { channel: createTestChannel({ services: [service] }) });
  return { client, asked: () => open };
}

it('a job, an event or a run is refused with the code and the reason of the instance', async () => {
  const { client, asked } = start();
  const [id, name, group] = [{ id: 1n }, { name: 'r' }, 'g'];
  const actions: readonly (readonly [NonNullable<ResolveWorkRequest['action']>, Status, string])[] = [
    [{ $case: 'discardJob', value: id }, Status.NOT_FOUND, 'nothing to discard'],
    [{ $case: 'retryJob', value: id }, Status.NOT_FOUND, 'nothing to retry'],
    [{ $case: 'retryRun', value: name }, Status.NOT_FOUND, 'nothing to retry'],
    [{ $case: 'cancelRun', value: name }, Status.NOT_FOUND, 'nothing to cancel'],
    [{ $case: 'retryEvent', value: id }, Status.NOT_FOUND, 'nothing to retry'],
    [{ $case: 'discardEvent', value: id }, Status.UNIMPLEMENTED, 'DiscardEvent'],
    [{ $case: 'replayEvents', value: { group, fromTime: undefined } }, Status.UNIMPLEMENTED, 'ReplayEvents'],
    [{ $case: 'removeGroup', value: { group } }, Status.UNIMPLEMENTED, 'RemoveGroup'],
  ];
  for (const [action, code, text] of actions) {
    const failure = await client.resolveWork({ instanceId: 'a', action }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(new RegExp(`a refuses it: .*${text}`)) });
  }
  expect(asked()).toBe(0);
});

it('what an instance has stored is shown', async () => {
  const { client } = start();
  const shown: Partial<InstanceWork> = {};
  const signal = AbortSignal.timeout(60_000); // if something is never shown
  for await (const { answers } of client.watchWork({}, { signal })) {
    for (const { instanceId, jobs, runs, events } of answers)
      Object.assign(shown, { instanceId }, jobs && { jobs }, runs.length > 0 && { runs }, events && { events });
    if (shown.jobs && shown.runs && shown.events) break;
  }
  expect(shown).toMatchObject({
    instanceId: 'a',
    jobs: { jobs: [{ id: 7n }] },
    runs: [{ name: 'r-1' }],
    events: { groups: [{ name: 'a.v1.Done:one' }], events: [{ id: 9n }] },
  });
});

it('an operator learns where the dashboards are', async () => {
  const { client } = start();
  expect(await client.checkAccess({})).toEqual({ subject: '', dashboards: 'https://grafana.example/d' });
});

it('a name that no run can have is refused', async () => {
  const { client } = start();
  const watch = client.watchWork({ run: 'orders/7' })[Symbol.asyncIterator]();
  await expect(watch.next()).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
});
