import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, isPicked, listInstances, readTime, standingOf, withRegistry } from '../registry/index.js';
import { messageOf, reasonOf } from '../thrown.js';
import { judgeClock } from './clock.js';
import type { Finding } from './finding.js';

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
export interface Asking {
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
    return [judgeAbsence(expected, messageOf(error)), judgeClock(clock.now(), undefined)];
  }
}

function judgeAbsence({ addresses, required, remedy }: Expected, message: string): Finding {
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
  const named = waiting.map((instance) => `${instance.instanceId} is ${standingOf(instance)}`).join(', ');
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
