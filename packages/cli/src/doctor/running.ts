import { HealthDefinition, HealthCheckResponse_ServingStatus as ServingStatus } from '@rondo/contracts/health/v1/health';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, isPicked, effectiveStatus } from '../registry/instance-view.js';
import { listInstances, readTime, withRegistry, type TimeReading } from '../registry/connection.js';
import { messageOf, reasonOf } from '../errors.js';
import type { Finding } from './repository.js';

/** Where a system is expected, and by whom. */
export interface Expected {
  readonly addresses: readonly string[];
  /** Whether one must be there: somebody named it, or its processes run. Else that none runs is no fault. */
  readonly required: boolean;
  /** What to do where it doesn't answer; by default as the fault itself says. */
  readonly remedy?: string;
  /** How to see what an instance, by its id, has to say. */
  logOf(instance: string): string;
}

/** What is asked with. */
interface Asking {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const HEALTH_TIMEOUT_MS = 2_000;

/** Looks at what runs: registry, instances and their health, clocks. */
export async function examineRunning(expected: Expected, asking: Asking): Promise<readonly Finding[]> {
  const { clock } = asking;
  try {
    const { instances, warming, reading } = await withRegistry(expected.addresses, async (registry) => ({
      ...(await listInstances(registry, asking)),
      reading: await readTime(registry, asking),
    }));
    return [
      judgeRegistry(expected, warming),
      judgeStatus(instances, expected),
      ...judgeIds(instances),
      judgeHealth(await askHealth(instances, asking), expected),
      judgeClock(clock.now(), reading),
    ];
  } catch (error) {
    return [judgeMissingRegistry(expected, messageOf(error)), judgeClock(clock.now(), undefined)];
  }
}

function judgeMissingRegistry({ addresses, required, remedy }: Expected, message: string): Finding {
  if (required) {
    const [, detail = message, usual = 'start it: npm start'] = /^(.*\)); (.*)$/.exec(message) ?? [];
    return { name: 'registry', state: 'fail', detail, remedy: remedy ?? usual };
  }
  const detail = `none answers at ${addresses.join(', ')}: no system runs`;
  return { name: 'registry', state: 'note', detail, remedy: 'npm start' };
}

function judgeRegistry({ addresses }: Expected, warming: boolean): Finding {
  const name = 'registry';
  if (!warming) return { name, state: 'ok', detail: `answers at ${addresses.join(', ')}` };
  const detail = `at ${addresses.join(', ')} has just started empty: what it doesn't list may still come back`;
  return { name, state: 'note', detail, remedy: 'look again in ten seconds' };
}

function judgeStatus(instances: readonly Instance[], { logOf }: Expected): Finding {
  const name = 'instances';
  if (instances.length === 0) {
    return { name, state: 'warn', detail: 'none is registered: no service can be called', remedy: './rondo logs' };
  }
  const waiting = instances.filter((instance) => !isPicked(instance));
  if (waiting.length === 0)
    return { name, state: 'ok', detail: `${instances.length} of ${instances.length} are SERVING` };
  const named = waiting.map((instance) => `${instance.instanceId} is ${effectiveStatus(instance)}`).join(', ');
  const detail = `${instances.length - waiting.length} of ${instances.length} are SERVING; ${named}, and not called`;
  return { name, state: 'warn', detail, remedy: logOf(waiting[0]?.instanceId ?? '') };
}

/** A process whose id another holds isn't called: the registry refuses it for as long as the other lives. */
function judgeIds(instances: readonly Instance[]): readonly Finding[] {
  const claimed = instances.flatMap((instance) => {
    const { instanceId, lastRefused } = instance;
    if (lastRefused === undefined) return [];
    return [`${instanceId} is ${addressOf(instance)}, and the process at ${lastRefused.address} is refused`];
  });
  if (claimed.length === 0) return [];
  const detail = `two processes have one id: ${claimed.join('; ')}, and not called`;
  const remedy = 'give each process its own RONDO_INSTANCE_ID, or stop one of them';
  return [{ name: 'instance ids', state: 'warn', detail, remedy }];
}

/** What an instance said of itself: undefined where it is ready. */
interface Health {
  readonly instance: Instance;
  readonly fault: string | undefined;
}

/** An instance may say one thing to the registry and be another: its own health service knows, its database included. */
function judgeHealth(answers: readonly Health[], { logOf }: Expected): Finding {
  const name = 'health';
  const ill = answers.filter(({ fault }) => fault !== undefined);
  const [first] = ill;
  if (first === undefined) return { name, state: 'ok', detail: 'each instance says that it is ready' };
  const named = ill.map(({ instance, fault }) => `${instance.instanceId} at ${addressOf(instance)} ${fault}`);
  return { name, state: 'fail', detail: named.join('; '), remedy: logOf(first.instance.instanceId) };
}

const askHealth = (instances: readonly Instance[], { signal }: Asking): Promise<readonly Health[]> =>
  Promise.all(instances.map(async (instance) => ({ instance, fault: await faultOf(instance, signal) })));

async function faultOf(instance: Instance, signal: AbortSignal): Promise<string | undefined> {
  const channel = createChannel({ resolver: staticResolver([addressOf(instance)]) });
  try {
    const client = createClient(HealthDefinition, { channel });
    const { status } = await client.check({}, { signal, timeoutMs: HEALTH_TIMEOUT_MS });
    if (status === ServingStatus.SERVING) return undefined;
    return `is ${ServingStatus[status] ?? status}: it is starting, or its database is away`;
  } catch (error) {
    return `doesn't answer (${reasonOf(error)})`;
  } finally {
    channel.close();
  }
}

/** This code is younger than any clock that shows an earlier year. */
const FIRST_YEAR = 2026;
const LAST_YEAR = 2100;
/** Deadlines travel as durations: clocks that are apart harm logs, ages and what is stored, not calls. */
const MAX_SKEW_MS = 2_000;
const NTP = 'set it by NTP (timedatectl set-ntp true; macOS: sntp -sS time.apple.com)';

/** Judges the clock here: by the year it shows, and by the registry's where that could be asked. */
export function judgeClock(nowMs: number, reading: TimeReading | undefined): Finding {
  const time = new Date(nowMs).toISOString();
  const year = new Date(nowMs).getUTCFullYear();
  if (year < FIRST_YEAR || year > LAST_YEAR) {
    const detail = `${time} can't be right: certificates, and all that is stored with a time, will be wrong`;
    return { name: 'clock', state: 'fail', detail, remedy: NTP };
  }
  if (reading?.registryMs === undefined)
    return { name: 'clock', state: 'ok', detail: `${time}, compared with no other` };
  const { askedAtMs, answeredAtMs, registryMs } = reading;
  const skewMs = registryMs - (askedAtMs + answeredAtMs) / 2;
  const uncertainMs = (answeredAtMs - askedAtMs) / 2;
  if (Math.abs(skewMs) - uncertainMs <= MAX_SKEW_MS) {
    return { name: 'clock', state: 'ok', detail: `${time}; the registry's is within ${within(skewMs, uncertainMs)}` };
  }
  const apart = `${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead'}`;
  const detail = `the registry's is ${apart}: the times in logs, and ages, can't be compared`;
  return { name: 'clock', state: 'warn', detail, remedy: `${NTP}, here or where the registry runs` };
}

function within(skewMs: number, uncertainMs: number): string {
  const mostMs = Math.abs(skewMs) + uncertainMs;
  return mostMs < 1_000 ? `${Math.ceil(mostMs)} ms` : `${(mostMs / 1_000).toFixed(1)} s`;
}
