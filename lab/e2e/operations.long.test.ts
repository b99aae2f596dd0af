/** What the command line and the console show of one system is the same, value by value, and each shows what the other has changed. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ConsoleServiceDefinition,
  FleetState,
  type InstanceWork,
  type ResolveWorkRequest,
  WorkKind,
} from '@rondo/contracts/rondo/gateway/v1/console';
import { JobState } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunState } from '@rondo/contracts/rondo/jobs/v1/runs';
import { TraceFilter } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { BranchOutcome, SagaState, TransactionState } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { eventually, type System, startSystem } from '@rondo/harness';
import { type Channel, type Client, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { ask } from '../../e2e/src/front-door.js';
import { RUN, STAND_IN, startOperated } from './src/operated.js';

let system: System;
let channel: Channel;
let gateway: Client<typeof ConsoleServiceDefinition>;
let operated: Awaited<ReturnType<typeof startOperated>>;

beforeAll(async () => {
  system = await startSystem({ prefix: 'rondo-operations-' });
  channel = createChannel({ resolver: staticResolver([system.address(20)]) });
  gateway = createClient(ConsoleServiceDefinition, { channel });
  operated = await startOperated(system.registry);
});
afterAll(async () => {
  channel.close();
  await operated.stop();
  await system.stop();
  system.remove();
});

/** What a command prints with `--json`; of what it is refused, the error. */
async function printed(...words: readonly string[]) {
  const { stdout, stderr } = await system.rondo(...words, '--json');
  const [json = ''] = (stdout || stderr).split('\n');
  const found = JSON.parse(json);
  return found.error ?? found;
}

/** Reads a stream of the console until all that is known has come, or until it ends. */
async function read<T>(open: (options: { readonly signal: AbortSignal }) => AsyncIterable<T>): Promise<readonly T[]> {
  const signal = AbortSignal.timeout(4_000);
  const events: T[] = [];
  try {
    for await (const event of open({ signal })) events.push(event);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return events;
}

/** What a page of the console shows: of each instance its last answer. */
async function answers<T extends { readonly instanceId: string }>(
  open: (options: { readonly signal: AbortSignal }) => AsyncIterable<{ readonly answers: readonly T[] }>,
): Promise<readonly T[]> {
  const all = (await read(open)).flatMap((event) => event.answers);
  return [...new Map(all.map((one) => [one.instanceId, one])).values()];
}

async function fleet() {
  const all = (await read((options) => gateway.watchFleet({}, options))).flatMap(({ instances }) => instances);
  return [...new Map(all.map((one) => [one.instanceId, one])).values()];
}

/** Values as JSON with sorted fields, each once, as replicas of a service tell the same. What is missing is null or left out. */
function each(all: readonly unknown[]): readonly string[] {
  const plain = (_: string, value: unknown): unknown => {
    if (typeof value === 'bigint') return String(value);
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value ?? undefined;
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
  };
  return [...new Set(all.map((one) => JSON.stringify(one, plain)))].sort();
}

/** `TRANSACTION_STATE_CONFLICT` is `CONFLICT`; what isn't specified is missing. */
const short = (names: Readonly<Record<number, string>>, value: number) =>
  value === 0 ? undefined : names[value]?.replace(/^[A-Z_]+_(?:STATE|OUTCOME)_/, '');

type Method = keyof typeof ConsoleServiceDefinition.methods;

/** What both show, as lines. */
interface Operation {
  readonly method: Method;
  readonly command: () => Promise<readonly string[]>;
  readonly console: () => Promise<readonly string[]>;
}

interface Listed {
  readonly instanceId: string;
  readonly endpoints: readonly { readonly address: string; readonly protocols: readonly string[] }[];
  readonly status: string;
  readonly operatorState: string;
  readonly check: { readonly certificateValidTo?: string };
  readonly [field: string]: unknown;
}

/** These fields, by their names with spaces between. */
function picked(one: object, fields: string): object {
  const names = fields.split(' ');
  return Object.fromEntries(Object.entries(one).filter(([field]) => names.includes(field)));
}

const FIELDS = 'instanceId services address zone version weight registerTime state certificateEndTime frames';

/** The fields of an instance that both show. */
function compared(one: object): object {
  const sorted = (value: unknown) => (Array.isArray(value) ? value.toSorted() : value);
  return Object.fromEntries(Object.entries(picked(one, FIELDS)).map(([field, value]) => [field, sorted(value)]));
}

/** The id of the trace of a call that has failed. */
let traceId = '';
beforeAll(async () => {
  traceId = await eventually(async () => {
    const { headers, status } = await ask(`http://${system.address(20)}/v1/quotes/none`);
    expect(status).toBe(404);
    return headers.get('x-request-id') ?? '';
  });
});

/** What the console shows of stored work. */
const work = (kind: WorkKind, run = '') => answers((options) => gateway.watchWork({ kinds: [kind], run }, options));

async function runsIn(name?: string) {
  const all = await work(WorkKind.WORK_KIND_RUNS, name);
  return each(all.flatMap(({ runs }) => runs.map((run) => ({ ...run, state: short(RunState, run.state) }))));
}

const QUOTES = 'GET /v1/{name=quotes/*}';

const operations: Readonly<Record<string, Operation>> = {
  fleet: {
    method: 'watchFleet',
    async command() {
      const { instances } = await printed('ps', '--check');
      const stateOf = ({ operatorState, status }: Listed) => (operatorState === 'NONE' ? status : operatorState);
      return each(
        instances.map((one: Listed) =>
          compared({
            ...one,
            address: one.endpoints[0]?.address,
            state: stateOf(one),
            certificateEndTime: one.check.certificateValidTo,
            frames: one.endpoints[0]?.protocols.includes('FRAMES'),
          }),
        ),
      );
    },
    console: async () => each((await fleet()).map((one) => compared({ ...one, state: short(FleetState, one.state) }))),
  },
  load: {
    method: 'watchFleet',
    async command() {
      const { rows } = await printed('top', 'stand.v1.InService', '--by', 'instance', '--once', '--interval', '100ms');
      const [{ callsPerSecond, errorsPerSecond, inFlight: callsInFlight }] = rows;
      return each([{ callsPerSecond, errorsPerSecond, callsInFlight }]);
    },
    async console() {
      const found = (await fleet()).find(({ instanceId }) => instanceId === STAND_IN);
      const { callsPerSecond, errorsPerSecond, callsInFlight } = found?.load ?? {};
      return each([{ callsPerSecond, errorsPerSecond, callsInFlight }]);
    },
  },
  'which instances are picked': {
    method: 'watchInstance',
    async command() {
      const { endpoints } = await printed('pick', 'CalculatorService', '--explain');
      return each(
        endpoints.map(({ instanceId, picked }: { readonly instanceId: string; readonly picked: boolean }) => [
          ...[instanceId, picked],
        ]),
      );
    },
    async console() {
      const ids = (await fleet()).map(({ instanceId }) => instanceId).filter((id) => id.startsWith('calculator-'));
      const seen = async (instanceId: string) => {
        const events = await read((options) => gateway.watchInstance({ instanceId }, options));
        const callers = events.at(-1)?.callers ?? [];
        return [instanceId, callers.length > 0 && callers.every(({ held }) => held === '')];
      };
      return each(await Promise.all(ids.map(seen)));
    },
  },
  trace: {
    method: 'findTrace',
    async command() {
      const { spans } = await printed('trace', traceId);
      return each(spans.map(({ selfMs, depth, ...span }: Readonly<Record<string, unknown>>) => span));
    },
    async console() {
      const all = (await read((options) => gateway.findTrace({ traceId }, options))).flatMap((event) => event.answers);
      return each(all.flatMap(({ instanceId, spans }) => spans.map((span) => ({ ...span, instanceId }))));
    },
  },
  traces: {
    method: 'watchTraces',
    async command() {
      const { traces } = await printed('trace', '--name', QUOTES, '--limit', '100');
      return each(
        traces.map(({ traceId: id, spans, failedSpans, instances }: Readonly<Record<string, unknown>>) => [
          ...[id, spans, failedSpans, instances],
        ]),
      );
    },
    async console() {
      const filter = TraceFilter.fromPartial({ name: QUOTES });
      const open = (options: { readonly signal: AbortSignal }) => gateway.watchTraces({ filter }, options);
      const parts = (await answers(open)).flatMap(({ instanceId, traces }) =>
        traces.map((one) => ({ ...one, instanceId })),
      );
      const sum = (id: string, of: (part: (typeof parts)[number]) => number) =>
        parts.filter((part) => part.traceId === id).reduce((all, part) => all + of(part), 0);
      return each(
        parts.map(({ traceId: id }) => [
          id,
          sum(id, ({ spans }) => spans),
          sum(id, ({ failedSpans }) => failedSpans),
          parts.flatMap((part) => (part.traceId === id ? [part.instanceId] : [])).sort(),
        ]),
      );
    },
  },
  logs: {
    method: 'readLogs',
    async command() {
      const { stdout } = await system.rondo('logs', '--trace', traceId, '--data', system.data, '--json');
      return each(stdout.trimEnd().split('\n'));
    },
    async console() {
      const logs = { traceId, last: 100 };
      const all = (await read((options) => gateway.readLogs({ logs }, options))).flatMap((event) => event.answers);
      return each(all.flatMap(({ lines }) => lines));
    },
  },
  transactions: {
    method: 'watchWork',
    async command() {
      const { transactions, sagas } = await printed('tx', 'ls');
      return each([...transactions, ...sagas]);
    },
    async console() {
      const all = await work(WorkKind.WORK_KIND_TRANSACTIONS);
      const held = ({ inDoubt: { participant, branches } = { participant: '', branches: [] } }: InstanceWork) =>
        branches.map((one) => ({ ...one, participant }));
      const doubts = all.flatMap(held);
      const transactions = all.flatMap((one) => one.transactions?.transactions ?? []);
      return each([
        ...transactions.map(({ ref, state, decision, participants, ...one }) => ({
          ...ref,
          ...picked(one, 'kind subject attempts createTime expireTime'),
          state: short(TransactionState, state),
          decision: short(BranchOutcome, decision),
          participants: participants.map(({ service, outcome, error }) => {
            return { service, outcome: short(BranchOutcome, outcome), error };
          }),
          inDoubt: doubts.flatMap(({ transaction, participant, prepareTime }) =>
            transaction?.id === ref?.id ? [{ participant, prepareTime }] : [],
          ),
        })),
        ...all
          .flatMap(({ sagas }) => sagas?.sagas ?? [])
          .map(({ state, ...saga }) => ({ ...saga, state: short(SagaState, state) })),
      ]);
    },
  },
  jobs: {
    method: 'watchWork',
    async command() {
      const { methods, jobs } = await printed('jobs', 'ls');
      return each([...methods, ...jobs]);
    },
    async console() {
      const all = await work(WorkKind.WORK_KIND_JOBS);
      const listed = all.flatMap(({ jobs = [] }) => jobs);
      const jobs = listed
        .flatMap((one) => one.jobs)
        .map(({ state, ...job }) => ({ ...job, state: short(JobState, state) }));
      return each([...listed.flatMap(({ methods }) => methods), ...jobs]);
    },
  },
  runs: {
    method: 'watchWork',
    command: async () => each((await printed('runs', 'ls')).runs),
    console: () => runsIn(),
  },
  'one run': {
    method: 'watchWork',
    async command() {
      const { stdout } = await system.rondo('runs', 'show', RUN, '--json');
      return each([JSON.parse(stdout)]);
    },
    console: () => runsIn(RUN),
  },
  events: {
    method: 'watchWork',
    async command() {
      const { groups, events } = await printed('events', 'ls');
      return each([...groups, ...events]);
    },
    async console() {
      const all = await work(WorkKind.WORK_KIND_EVENTS);
      const listed = all.flatMap(({ events = [] }) => events);
      return each([...listed.flatMap(({ groups }) => groups), ...listed.flatMap(({ events }) => events)]);
    },
  },
  settings: {
    method: 'watchSettings',
    command: async () => each((await printed('config')).settings),
    async console() {
      const all = (await read((options) => gateway.watchSettings({}, options))).flatMap(({ settings }) => settings);
      const isSet = ({ value }: { readonly value?: string | undefined }) => value !== undefined;
      return each(all.filter(isSet).map((one) => picked(one, 'service key value author updateTime')));
    },
  },
};

describe('the command line and the console', () => {
  beforeAll(async () => {
    await system.rondo('config', 'set', 'CalculatorService', 'log_level', 'debug');
    await gateway.setWeight({ instanceId: 'calculator-1', weight: 70 });
    await gateway.setCordon({ instanceId: 'calculator-2', cordoned: true, reason: 'odd answers' });
    // A process says how it calls those that it has called.
    await ask(`http://${system.address(20)}/v1/calculator:add?a=1&b=2`);
  });

  it.each(Object.entries(operations))('show the same: %s', async (_, { command, console }) => {
    await eventually(
      async () => {
        const lines = await command();
        expect(lines).not.toEqual([]);
        expect(await console()).toEqual(lines);
      },
      // `rondo ps --check` gives an instance a second: a busy machine needs several tries.
      { timeoutMs: 300_000 },
    );
  });

  it('change the same, and refuse the same', async () => {
    const refused = (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        (error: unknown) => (error instanceof RpcError ? { code: error.codeName, message: error.message } : error),
      );
    const cordon = (instanceId: string) => refused(gateway.setCordon({ instanceId, cordoned: true, reason: '' }));
    for (const id of [STAND_IN, 'calculatr-1']) {
      const { code, message } = await printed('cordon', id);
      expect(await cordon(id)).toEqual({ code, message: message.replace(', or use --force', '') });
    }
    expect((await printed('ps')).cordoned).toMatchObject([{ instanceId: 'calculator-2', reason: 'odd answers' }]);
    await system.rondo('uncordon', 'calculator-2');
    expect((await fleet()).find(({ instanceId }) => instanceId === 'calculator-2')).toMatchObject({
      state: FleetState.FLEET_STATE_SERVING,
    });
    await system.rondo('cordon', 'calculator-2');
    await gateway.setCordon({ instanceId: 'calculator-2', cordoned: false, reason: '' });
    expect((await printed('ps')).cordoned).toEqual([]);

    for (const words of ['jobs retry 7', 'jobs discard 7', 'events retry 9', 'events discard 9'])
      await system.rondo(...words.split(' '), 'stand.v1.InService');
    for (const words of ['events replay', 'events remove-group'])
      await system.rondo(...words.split(' '), 'stand.v1.Done:readers');
    for (const verb of ['retry', 'cancel']) await system.rondo('runs', verb, RUN);
    const byCommands = operated.changed.splice(0);
    const [one, event, group] = [{ id: 7n }, { id: 9n }, 'stand.v1.Done:readers'];
    const actions: readonly NonNullable<ResolveWorkRequest['action']>[] = [
      ...(['retryJob', 'discardJob'] as const).map(($case) => ({ $case, value: one })),
      ...(['retryEvent', 'discardEvent'] as const).map(($case) => ({ $case, value: event })),
      { $case: 'replayEvents', value: { group, fromTime: undefined } },
      { $case: 'removeGroup', value: { group } },
      ...(['retryRun', 'cancelRun'] as const).map(($case) => ({ $case, value: { name: RUN } })),
    ];
    for (const action of actions) await gateway.resolveWork({ instanceId: STAND_IN, action });
    expect(byCommands).toHaveLength(8);
    expect(operated.changed).toEqual(byCommands);

    const before = [system.pid('calculator-2'), system.pid('calculator-3')];
    await system.rondo('restart', 'calculator-2', '--data', system.data);
    await gateway.restartInstance({ instanceId: 'calculator-3' });
    const after = [system.pid('calculator-2'), system.pid('calculator-3')];
    expect(after.filter((pid) => Number.isNaN(pid) || before.includes(pid))).toEqual([]);
  });

  it('are compared in all that the console can', () => {
    const compares = new Set<string>(Object.values(operations).map(({ method }) => method));
    const changes = ['setCordon', 'setWeight', 'resolveWork', 'restartInstance'];
    const others = Object.keys(ConsoleServiceDefinition.methods).filter((one) => !compares.has(one));
    // No command shows figures of the past.
    expect(others.filter((one) => !changes.includes(one))).toEqual(['checkAccess', 'watchFigures']);
  });
});
