import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, reasonOf } from '@rondo/operate/internal';
import { type Channel, createClient } from '@rondo/rpc/client';
import { createSemaphore } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { createReflection } from '@rondo/schema';
import { withChannel } from '../channels.js';
import { type Asking, within } from '../deadline.js';

/** The result of asking an instance at its address. */
export interface Check {
  /** `unknown`: a server answers, but has neither a health service nor reflection. */
  readonly state: 'ok' | 'unreachable' | 'not-serving' | 'other-service' | 'unknown';
  /** What is wrong, as the predicate of a sentence about the instance; empty if nothing is. */
  readonly reason: string;
}

export interface AskingInstance extends Asking {
  /** How long it may take; a second by default. */
  readonly timeoutMs?: number;
}

/**
 * Asks an instance. The clock of the command alone bounds it: a deadline would be the instance's, too.
 *
 * @throws RpcError if `ask` does, or `DEADLINE_EXCEEDED`.
 */
export const inTime = <T>(asking: AskingInstance, ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const { timeoutMs = 1_000 } = asking;
  const late = () => new RpcError(Status.DEADLINE_EXCEEDED, `no answer within ${timeoutMs} ms`);
  return within(timeoutMs, asking, { work: ask, late });
};

const AT_ONCE = 16;

/** Works on instances, some at once. The results are by id. */
async function ofEach<T>(instances: readonly Instance[], { signal }: Asking, work: (instance: Instance) => Promise<T>) {
  const { run } = createSemaphore(AT_ONCE);
  const one = async (instance: Instance) => [instance.instanceId, await work(instance)] as const;
  const results = await Promise.all(instances.map((instance) => run(() => one(instance))));
  signal.throwIfAborted();
  return results;
}

/** What instances answer, by id. One that can't be reached, or has no such service, is missing: the check says why. */
export async function askEach<T>(
  instances: readonly Instance[],
  asking: Asking,
  ask: (channel: Channel, signal: AbortSignal) => Promise<T>,
): Promise<ReadonlyMap<string, T>> {
  const missing = (error: unknown) => {
    if (error instanceof RpcError) return undefined;
    throw error;
  };
  const answers = await ofEach(instances, asking, async (instance) =>
    addressOf(instance) === '' ? undefined : await askAt(addressOf(instance), asking, ask).catch(missing),
  );
  return new Map(answers.flatMap(([id, answer]) => (answer === undefined ? [] : [[id, answer]])));
}

const askAt = <T>(
  address: string,
  asking: AskingInstance,
  ask: (channel: Channel, signal: AbortSignal) => Promise<T>,
) => inTime(asking, (signal) => withChannel([address], (channel) => ask(channel, signal), { clock: asking.clock }));

/** Asks each instance for its health and its services. The result is by instance id. */
export async function checkAll(
  instances: readonly Instance[],
  asking: AskingInstance,
): Promise<ReadonlyMap<string, Check>> {
  const checks = await ofEach(instances, asking, async (instance) => {
    if (addressOf(instance) === '') return unreachable('names no address');
    const answer = askAt(addressOf(instance), asking, (channel, signal) => ask(instance, channel, signal));
    return await answer.catch((error) => unreachable(`can't be reached from here (${reasonOf(error)})`));
  });
  return new Map(checks);
}

const unreachable = (reason: string): Check => ({ state: 'unreachable', reason });

async function ask(instance: Instance, channel: Channel, signal: AbortSignal): Promise<Check> {
  // The signal alone bounds it: a default deadline would be the instance's, too.
  const options = { signal, timeoutMs: Number.POSITIVE_INFINITY };
  const [health, services] = await Promise.all([
    unlessMissing(createClient(HealthDefinition, { channel }).check({}, options)),
    unlessMissing(createReflection(channel, { signal }).listServices()),
  ]);
  const missing = services === undefined ? [] : instance.services.filter((service) => !services.includes(service));
  if (missing.length > 0) {
    const reason = `answers for other services: not for ${missing.join(', ')}, but for ${services?.join(', ')}`;
    return { state: 'other-service', reason };
  }
  if (health === undefined && services === undefined) {
    return { state: 'unknown', reason: 'answers, but tells neither its health nor its services' };
  }
  const { status = ServingStatus.SERVING } = health ?? {};
  if (status === ServingStatus.SERVING) return { state: 'ok', reason: '' };
  return { state: 'not-serving', reason: `says ${ServingStatus[status] ?? status} when it is asked for its health` };
}

const MISSING = new Set<Status>([Status.UNIMPLEMENTED, Status.NOT_FOUND]);

/** The answer; undefined if the server doesn't have the service. */
const unlessMissing = <T>(answer: Promise<T>): Promise<T | undefined> =>
  answer.catch((error: unknown) => {
    const isMissing = error instanceof RpcError && MISSING.has(error.code);
    if (isMissing) return undefined;
    throw error;
  });
