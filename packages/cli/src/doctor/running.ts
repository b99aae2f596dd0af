import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createChannel, createClient } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, listInstances, readTime, statusOf, withRegistry } from '../registry/index.js';
import { messageOf } from '../thrown.js';
import { judgeClock } from './clock.js';
import type { Finding } from './finding.js';

/** Where a system is expected, and by whom. */
export interface Expected {
  readonly addresses: readonly string[];
  /** Whether one must be there: somebody named it, or its processes run. Else that none runs is no fault. */
  readonly required: boolean;
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
      judgeStatus(instances),
      await judgeHealth(instances, asking),
      judgeClock(clock.now(), reading),
    ];
  } catch (error) {
    return [judgeAbsence(expected, messageOf(error)), judgeClock(clock.now(), undefined)];
  }
}

function judgeAbsence({ addresses, required }: Expected, message: string): Finding {
  if (required) {
    const [, detail = message, remedy = 'start it: npm start'] = /^(.*\)); (.*)$/.exec(message) ?? [];
    return { name: 'registry', state: 'fail', detail, remedy };
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

function judgeStatus(instances: readonly Instance[]): Finding {
  const name = 'instances';
  if (instances.length === 0) {
    return { name, state: 'warn', detail: 'none is registered: nobody can be called', remedy: 'rondo logs' };
  }
  const waiting = instances.filter((instance) => statusOf(instance) !== 'SERVING');
  if (waiting.length === 0) return { name, state: 'ok', detail: `${instances.length} are SERVING` };
  const named = waiting.map((instance) => `${instance.instanceId} is ${statusOf(instance)}`).join(', ');
  const detail = `${instances.length - waiting.length} of ${instances.length} are SERVING; ${named}, and not called`;
  return { name, state: 'warn', detail, remedy: `rondo logs ${waiting[0]?.instanceId}` };
}

/** An instance may say one thing to the registry and be another: its own health service knows, its database included. */
async function judgeHealth(instances: readonly Instance[], { signal }: Asking): Promise<Finding> {
  const name = 'health';
  const answers = await Promise.all(
    instances.map(async (instance) => ({ instance, health: await healthOf(instance, signal) })),
  );
  const ill = answers.filter(({ health }) => health !== 'SERVING');
  if (ill.length === 0)
    return { name, state: 'ok', detail: `all ${instances.length} instances say that they are ready` };
  const named = ill
    .map(({ instance, health }) => `${instance.instanceId} at ${addressOf(instance)}: ${health}`)
    .join('; ');
  const detail = `not ready, as their database or a start isn't, or not to be reached from here: ${named}`;
  return { name, state: 'fail', detail, remedy: `rondo logs ${ill[0]?.instance.instanceId}` };
}

async function healthOf(instance: Instance, signal: AbortSignal): Promise<string> {
  const channel = createChannel({ resolver: staticResolver([addressOf(instance)]) });
  try {
    const client = createClient(HealthDefinition, { channel });
    const { status } = await client.check({}, { signal, timeoutMs: HEALTH_TIMEOUT_MS });
    return ServingStatus[status] ?? String(status);
  } catch (error) {
    return messageOf(error);
  } finally {
    channel.close();
  }
}
