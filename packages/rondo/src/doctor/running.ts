import { EventServiceDefinition as events, type ListGroupsResponse } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition as jobs, type ListJobsResponse } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { type Run, RunState, RunServiceDefinition as runs } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Refusal, XdsStatusServiceDefinition } from '@rondo/contracts/rondo/xds/v1/xds';
import {
  addressOf,
  effectiveStatus,
  isPicked,
  listInstances,
  listRuns,
  reach,
  reasonOf,
} from '@rondo/operate/internal';
import { createClient } from '@rondo/rpc/client';
import { groupBy, type ServiceDefinition } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { withChannel } from '../channels.js';
import type { Asking } from '../deadline.js';
import { checkAll } from '../listing/check.js';
import { askStats } from '../listing/guards.js';
import { askGroup, groupsOf, type Question } from '../registry/groups.js';
import { withRegistry } from '../registry/locate.js';
import { mixedSecurity, splitBySecurity } from '../registry/security.js';
import { printable } from '../terminal/text.js';
import { messageOf } from '../workspace/errors.js';
import { type Finding, fail, note, type Outcome, ok, warn } from './finding.js';

export interface Expected {
  readonly addresses: readonly string[];
  /** Whether a system must run: the user named its registry, or its processes run. Otherwise its absence is no fault. */
  readonly required: boolean;
  /** The ids of instances whose processes run. */
  readonly processes?: readonly string[];
  /** What to do if the registry doesn't answer; by default what the error says. */
  readonly remedy?: string;
  /** The command that shows the log of an instance, by its id, or all logs. */
  logOf(instance?: string): string;
}

/** Examines the running system: its registry, its instances and their health, and the clocks. */
export async function examineRunning(expected: Expected, asking: Asking): Promise<readonly Finding[]> {
  const { clock, signal } = asking;
  try {
    const { instances, warming, reading } = await withRegistry(expected.addresses, async (registry) => {
      const listing = await listInstances(registry, asking);
      const askedAtMs = clock.now();
      const { time } = await reach(registry.addresses, registry.client.listServices({}, { signal }));
      return { ...listing, reading: { askedAtMs, answeredAtMs: clock.now(), registryMs: time?.getTime() } };
    });
    return [
      { name: 'registry', ...judgeRegistry(expected, warming) },
      { name: 'instances', ...judgeStatus(instances, expected) },
      ...judgeSecurity(instances).map((outcome) => ({ name: 'tls', ...outcome })),
      ...judgeIds(instances).map((outcome) => ({ name: 'instance ids', ...outcome })),
      { name: 'health', ...(await judgeHealth(instances, asking, expected)) },
      ...(await judgeStats(instances, asking, expected)),
      ...(await judgeWork(instances, asking)),
      ...(await examineXds(expected.addresses, signal)).map((outcome) => ({ name: 'xds', ...outcome })),
      { name: 'clock', ...judgeClock(clock.now(), reading) },
    ];
  } catch (error) {
    return [
      { name: 'registry', ...judgeMissingRegistry(expected, messageOf(error)) },
      { name: 'clock', ...judgeClock(clock.now(), undefined) },
    ];
  }
}

function judgeMissingRegistry({ addresses, required, remedy }: Expected, message: string): Outcome {
  if (!required) return note(`none answers at ${addresses.join(', ')}: no system runs`, 'npm start');
  const [, detail = message, usual = 'start it: npm start'] = /^(.*\)); (.*)$/.exec(message) ?? [];
  return fail(detail, remedy ?? usual);
}

function judgeRegistry({ addresses }: Expected, warming: boolean): Outcome {
  if (!warming) return ok(`answers at ${addresses.join(', ')}`);
  const detail = `at ${addresses.join(', ')} has just started empty: what it doesn't list may still come back`;
  return note(detail, 'look again in ten seconds');
}

function judgeStatus(instances: readonly Instance[], { processes = [], logOf }: Expected): Outcome {
  const silent = processes.filter((name) => !instances.some(({ instanceId }) => instanceId === name));
  if (silent.length > 0)
    return fail(
      `not registered, although their processes run: ${silent.join(', ')}; they start, stand still, or don't reach the registry`,
      `${logOf(silent[0])}; ./rondo restart ${silent[0]} replaces one that stands still`,
    );
  if (instances.length === 0) return warn('none is registered: no service can be called', logOf());
  const waiting = instances.filter((instance) => !isPicked(instance));
  if (waiting.length === 0) return ok(`${instances.length} of ${instances.length} are SERVING`);
  const cordoned = waiting.filter((instance) => effectiveStatus(instance) === 'CORDONED');
  const back = `./rondo uncordon ${cordoned.map(({ instanceId }) => instanceId).join(' ')}`;
  const served = new Set(instances.filter(isPicked).flatMap(({ services }) => services));
  const deserted = cordoned.flatMap(({ services }) => services).filter((service) => !served.has(service));
  if (deserted.length > 0) return fail(`only cordoned instances serve ${[...new Set(deserted)].join(', ')}`, back);
  const named = waiting.map((instance) => `${instance.instanceId} is ${effectiveStatus(instance)}`).join(', ');
  const detail = `${instances.length - waiting.length} of ${instances.length} are SERVING; ${named}, and not called`;
  return warn(detail, cordoned.length > 0 ? back : logOf(waiting[0]?.instanceId ?? ''));
}

/** Nothing is said of a system that is plaintext as a whole: it listens on the loopback, or a variable says that this is meant. */
function judgeSecurity(instances: readonly Instance[]): readonly Outcome[] {
  const mixed = mixedSecurity(instances);
  if (mixed !== undefined)
    return [warn(mixed, "set RONDO_TLS=on for each once all are permissive: Rondo's docs/guides/security.md")];
  const { tls } = splitBySecurity(instances);
  return tls.length === 0 ? [] : [ok('every instance takes connections with TLS alone')];
}

/** The registry refuses a process whose id another living process holds: no client calls the refused one. */
function judgeIds(instances: readonly Instance[]): readonly Outcome[] {
  const claimed = instances.flatMap((instance) => {
    const { instanceId, lastRefused } = instance;
    if (lastRefused === undefined) return [];
    return [`${instanceId} is ${addressOf(instance)}, and the process at ${lastRefused.address} is refused`];
  });
  if (claimed.length === 0) return [];
  const detail = `two processes have one id: ${claimed.join('; ')}, and not called`;
  return [warn(detail, 'give each process its own RONDO_INSTANCE_ID, or stop one of them')];
}

/** An instance has so long to answer, on a machine that may be busy. */
const CHECK_TIMEOUT_MS = 2_000;

/** The status in the registry may be out of date. An instance itself knows whether it is ready, its database included. */
async function judgeHealth(instances: readonly Instance[], asking: Asking, { logOf }: Expected): Promise<Outcome> {
  const checks = await checkAll(instances, { ...asking, timeoutMs: CHECK_TIMEOUT_MS });
  const found = instances.map((instance) => ({ instance, ...checks.get(instance.instanceId) }));
  const ill = found.filter(({ state }) => state !== 'ok' && state !== 'unknown');
  // A server of another framework may be ready all the same.
  const silent = found.filter(({ state }) => state === 'unknown').map(({ instance }) => instance.instanceId);
  const [first] = ill;
  if (first === undefined && silent.length === 0) return ok('each instance says that it is ready');
  if (first === undefined)
    return ok(`each says that it is ready, but ${silent.join(', ')}, which has no health service`);
  const named = ill.map(({ instance, reason }) => `${instance.instanceId} at ${addressOf(instance)} ${reason}`);
  return fail(named.join('; '), logOf(first.instance.instanceId));
}

/**
 * A cache keeps no answers while it doesn't follow its feed of changes: each call is made. A live setting has no effect in a process
 * without the plugin that it needs.
 */
async function judgeStats(all: readonly Instance[], asking: Asking, { logOf }: Expected): Promise<readonly Finding[]> {
  const answers = [...(await askStats(all, asking))];
  const [lost, ...others] = answers.flatMap(([id, { followedFeeds }]) =>
    followedFeeds.flatMap(({ service, method, fault }) =>
      fault === '' ? [] : { id, text: `${id} doesn't follow ${service}/${method}: ${fault}` },
    ),
  );
  const ignored = answers.flatMap(([id, { ignoredSettings }]) => ignoredSettings.map((one) => `${id}: ${one}`));
  const findings: Finding[] = [];
  if (lost !== undefined) {
    const named = [lost, ...others].map(({ text }) => text).join('; ');
    const remedy = `${logOf(lost.id)}; see Rondo's docs/guides/caching.md`;
    findings.push({ name: 'caches', ...warn(`answers are not kept: ${named}`, remedy) });
  }
  if (ignored.length > 0) {
    const detail = `settings have no effect without the plugin @rondo/balancing: ${ignored.join('; ')}`;
    findings.push({ name: 'settings', ...warn(detail, 'rondo add balancing, or rondo config unset') });
  }
  return findings;
}

/** What is found of the work that services store. One that doesn't answer is an outcome, too: a command shows why. */
async function judgeWork(instances: readonly Instance[], { signal }: Asking): Promise<readonly Finding[]> {
  const served = new Set(instances.filter(isPicked).flatMap(({ services }) => services));
  const judge = async <D extends ServiceDefinition>(
    { name, what, command }: { readonly name: string; readonly what: string; readonly command: string },
    asked: Question<D, readonly Outcome[]>,
  ) => {
    const unknown = (error: unknown) => [warn(`${what} aren't known: ${reasonOf(error)}`, command)];
    const groups = groupsOf(instances, asked.definition.fullName);
    const found = await Promise.all(groups.map((group) => askGroup(group, asked, signal).catch(unknown)));
    return found.flat().map((outcome) => ({ name, ...outcome }));
  };
  return [
    ...(await judge(
      { name: 'events', what: 'groups of subscribers', command: 'rondo events ls' },
      { definition: events, call: async (client, how) => judgeAnswer(await client.listGroups({}, how), served) },
    )),
    ...(await judge(
      { name: 'schedules', what: 'schedules', command: 'rondo jobs ls' },
      { definition: jobs, call: async (client, how) => judgeMethods(await client.listJobs({}, how)) },
    )),
    ...(await judge(
      { name: 'workflows', what: 'runs of workflows', command: 'rondo runs ls' },
      { definition: runs, call: async (client, how) => judgeListed(await listRuns(client, { states: OPEN }, how)) },
    )),
  ];
}

const SEVERAL = 10;

/** Groups whose events wait, as no instance serves their method, and events that a group refuses, so that others of their keys wait. */
export function judgeAnswer(
  { groups, refused }: Pick<ListGroupsResponse, 'groups' | 'refused'>,
  served: ReadonlySet<string>,
): readonly Outcome[] {
  const waiting = groups.filter(({ method }) => !served.has(method.replace(/\/.*/, '')));
  const named = waiting.map(({ name, method }) => `${name} (${method})`).join(', ');
  const blocked = refused.filter(({ refusals, group }) => refusals >= SEVERAL && !named.includes(`${group} (`));
  return [
    ...(named === ''
      ? []
      : [warn(`no instance takes the events of ${named}`, 'start its service, or rondo events remove-group')]),
    ...blocked.map(({ id, group, key, refusals, error }) =>
      warn(
        `${group} refused event ${id} ${refusals} times (${error})${key && `, and others of its key ${key} wait`}`,
        `look at the log of its service; rondo events discard ${id} goes on without it`,
      ),
    ),
  ];
}

/** The schedules whose times are skipped now, as a handler is slower than its schedule. */
export const judgeMethods = ({ methods }: Pick<ListJobsResponse, 'methods'>): readonly Outcome[] =>
  methods.flatMap(({ method, schedule }) =>
    schedule?.overlapTime === undefined
      ? []
      : warn(
          `${method} isn't called at its times since ${schedule.overlapTime.toISOString()}: a job of an earlier one hasn't ended`,
          'rondo jobs ls shows it; give the schedule longer intervals, or an overlap',
        ),
  );

const { RUN_STATE_BLOCKED, RUN_STATE_PARKED, RUN_STATE_WAITING, RUN_STATE_RUNNING } = RunState;
const OPEN = [RUN_STATE_BLOCKED, RUN_STATE_PARKED, RUN_STATE_WAITING, RUN_STATE_RUNNING];

/** After so many attempts a step that fails is shown. */
const FAILING_ATTEMPTS = 3;

function troubleOf({ state, attempts, error }: Run): 'blocked' | 'parked' | 'failing' | undefined {
  if (state === RUN_STATE_BLOCKED) return 'blocked';
  if (state === RUN_STATE_PARKED) return 'parked';
  return OPEN.includes(state) && attempts >= FAILING_ATTEMPTS && error !== '' ? 'failing' : undefined;
}

/** The workflows whose runs are in trouble, with the reason of one of each kind. */
export function judgeListed(listed: readonly Run[]): readonly Outcome[] {
  const kinds = groupBy(listed, (run) => `${run.method} ${troubleOf(run)}`);
  return [...kinds.values()].flatMap((found) => {
    const [one] = found;
    const trouble = one && troubleOf(one);
    if (one === undefined || trouble === undefined) return [];
    const [many, name] = [found.length > 1, printable(one.name)];
    const some = `${found.length} ${many ? 'runs' : 'run'}`;
    const detail = (what: string) => `${one.method}: ${what}, such as ${name}: ${printable(one.error)}`;
    const cancel = `rondo runs cancel ${name}`;
    if (trouble === 'blocked')
      return fail(
        detail(`${some} ${many ? 'wait' : 'waits'} for an operator`),
        `remove the cause, then rondo runs retry ${name}, or ${cancel}`,
      );
    return trouble === 'parked'
      ? warn(detail(`${some} ${many ? 'fit' : 'fits'} no version that runs`), `deploy one that fits, or ${cancel}`)
      : warn(
          detail(`a step of ${some} fails again and again`),
          `rondo runs show ${name} names the step; remove the cause, or ${cancel}`,
        );
  });
}

/** The registry's clock, and this machine's clock before and after reading it. Milliseconds since the Unix epoch. */
export interface TimeReading {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  /** Undefined if the registry doesn't return its time. */
  readonly registryMs: number | undefined;
}

/** This code was written in 2026: a clock that shows an earlier year is wrong. */
const FIRST_YEAR = 2026;
const LAST_YEAR = 2100;
/** Deadlines travel as durations. So clocks that differ spoil logs, ages and stored times, but not calls. Milliseconds. */
const MAX_SKEW_MS = 2_000;
const NTP = 'set it by NTP (timedatectl set-ntp true; macOS: sntp -sS time.apple.com)';

/** Judges this machine's clock by the year that it shows, and by the registry's clock if the registry answered. */
export function judgeClock(nowMs: number, reading: TimeReading | undefined): Outcome {
  const time = new Date(nowMs).toISOString();
  const year = new Date(nowMs).getUTCFullYear();
  if (year < FIRST_YEAR || year > LAST_YEAR) {
    return fail(`${time} can't be right: certificates, and all that is stored with a time, will be wrong`, NTP);
  }
  if (reading?.registryMs === undefined) return ok(`${time}, compared with no other`);
  const { askedAtMs, answeredAtMs, registryMs } = reading;
  const skewMs = registryMs - (askedAtMs + answeredAtMs) / 2;
  const uncertainMs = (answeredAtMs - askedAtMs) / 2;
  if (Math.abs(skewMs) - uncertainMs <= MAX_SKEW_MS) {
    return ok(`${time}; the registry's is within ${within(skewMs, uncertainMs)}`);
  }
  const apart = `${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead'}`;
  const detail = `the registry's is ${apart}: the times in logs, and ages, can't be compared`;
  return warn(detail, `${NTP}, here or where the registry runs`);
}

function within(skewMs: number, uncertainMs: number): string {
  const mostMs = Math.abs(skewMs) + uncertainMs;
  return mostMs < 1_000 ? `${Math.ceil(mostMs)} ms` : `${(mostMs / 1_000).toFixed(1)} s`;
}

/** Asks a registry which xDS clients refuse what it sends. A registry before 0.3 doesn't know. */
async function examineXds(addresses: readonly string[], signal: AbortSignal): Promise<readonly Outcome[]> {
  try {
    const { refusals } = await withChannel(addresses, (channel) =>
      createClient(XdsStatusServiceDefinition, { channel }).listRefusals({}, { signal }),
    );
    return judgeRefusals(refusals);
  } catch (error) {
    if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return [];
    throw error;
  }
}

/** A client that refuses resources goes on with the last ones that it took, or has none. */
export function judgeRefusals(refusals: readonly Refusal[]): readonly Outcome[] {
  if (refusals.length === 0) return [];
  const named = refusals.map(
    ({ node, userAgent, peer, type, reason }) => `${node} (${userAgent} at ${peer}) refuses a ${type}: ${reason}`,
  );
  const remedy = "see which clients can do what: Rondo's docs/guides/other-languages.md";
  return [warn(`the registry's endpoints don't reach all gRPC clients: ${named.join('; ')}`, remedy)];
}
