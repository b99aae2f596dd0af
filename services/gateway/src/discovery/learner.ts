import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import { type Clock, createBackoff, createSemaphore, type Random, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { createReflection, type ReflectedFile } from '@rondo/schema';
import type { ContractFiles } from './contract.js';
import type { ServiceInstance } from './instances.js';

/** How many instances are asked at once, and how long each may take. */
const MAX_AT_ONCE = 8;
const TIMEOUT_MS = 5_000;
/** The largest contract: a service's file with its imports. */
const MAX_CONTRACT_BYTES = 4 * 1024 * 1024;
const BACKOFF = { baseMs: 200, maxMs: 5_000, jitter: 'equal' } as const;

const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.ABORTED,
  Status.UNKNOWN,
]);

/** Whether a failure may pass, so that the instance is asked again: it is away, or has too many calls. A contract stays too large. */
const mayPass = ({ code, origin }: RpcError): boolean =>
  PASSING.has(code) || (code === Status.RESOURCE_EXHAUSTED && origin === 'server');

/** The contracts of which services an instance is asked for. */
export interface Wanted {
  readonly instance: ServiceInstance;
  readonly services: readonly string[];
}

/** What a learner works with. */
export interface LearnerOptions {
  /** Makes a channel to one address, which the learner closes. */
  readonly connect: (instance: ServiceInstance) => Channel;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /**
   * Takes the contract that an instance returned. False: there is no room for it now, so the instance is asked again later.
   *
   * @throws Error if the contract can't be used.
   */
  readonly onLearned: (instance: ServiceInstance, service: string, files: ContractFiles) => boolean;
  /** The instance will not be asked again for this contract: it has no reflection, or its contract can't be used. */
  readonly onRefused: (instance: ServiceInstance, service: string) => void;
  /** An instance has been asked for the first time, or it left before. */
  readonly onAsked: () => void;
}

/** Learns the contracts of instances by reflection. */
export interface Learner {
  /** Asks an instance, and again with a growing wait until each contract is learned or refused, or the instance is forgotten. */
  learn(wanted: Wanted): void;
  /** Asks an instance again at once, if its contracts aren't learned: it serves from now on. */
  hurry(instance: ServiceInstance): void;
  forget(instance: ServiceInstance): void;
  /** Whether every instance has been asked at least once. */
  readonly settled: boolean;
  close(): void;
}

interface Asking {
  readonly ended: AbortController;
  /** Aborts to end the wait before an instance is asked again. */
  hurried: AbortController;
}

/** Creates a learner. It queries at most 8 instances at once, each for at most 5 s. */
export function createLearner(options: LearnerOptions): Learner {
  const { clock, random, log, onAsked } = options;
  const permits = createSemaphore(MAX_AT_ONCE);
  const running = new Map<ServiceInstance, Asking>();
  const unasked = new Set<ServiceInstance>();
  const ask = createAsking(options);

  const settle = (instance: ServiceInstance) => {
    if (unasked.delete(instance)) onAsked();
  };
  const run = async ({ instance, services }: Wanted, asking: Asking) => {
    const { signal } = asking.ended;
    const backoff = createBackoff({ ...BACKOFF, random });
    let left = services;
    while (left.length > 0) {
      asking.hurried = new AbortController();
      left = await permits.run(() => ask({ instance, services: left }, signal), signal);
      settle(instance);
      const either = AbortSignal.any([signal, asking.hurried.signal]);
      if (left.length > 0) await sleep(clock, backoff.nextMs(), either).catch(() => backoff.reset());
      signal.throwIfAborted();
    }
    settle(instance);
  };
  const forget = (instance: ServiceInstance) => {
    running.get(instance)?.ended.abort();
    running.delete(instance);
    settle(instance);
  };

  return {
    learn(wanted) {
      const { instance } = wanted;
      const asking = { ended: new AbortController(), hurried: new AbortController() };
      running.set(instance, asking);
      unasked.add(instance);
      run(wanted, asking).catch((error: unknown) => {
        if (asking.ended.signal.aborted) return;
        settle(instance);
        log.error({ err: error, instanceId: instance.instanceId }, 'the gateway stopped learning from an instance');
      });
    },
    hurry: (instance) => running.get(instance)?.hurried.abort(),
    forget,
    get settled() {
      return unasked.size === 0;
    },
    close() {
      for (const instance of [...running.keys()]) forget(instance);
    },
  };
}

/** Asks an instance once, and resolves to the services whose contracts it should be asked for again. */
function createAsking({ connect, clock, log, onLearned, onRefused }: LearnerOptions) {
  const warn = createWarnings(log);

  return async ({ instance, services }: Wanted, signal: AbortSignal): Promise<readonly string[]> => {
    const late = new AbortController();
    const timer = clock.setTimer(TIMEOUT_MS, () => late.abort());
    const channel = connect(instance);
    const either = AbortSignal.any([signal, late.signal]);
    const reflection = createReflection(channel, { signal: either, maxBytes: MAX_CONTRACT_BYTES });
    let asked: Promise<readonly ReflectedFile[]> | undefined;
    const learn = async (service: string): Promise<boolean> => {
      try {
        asked ??= detailsOf(reflection);
        const [files, details] = await Promise.all([reflection.filesOf(service), asked]);
        if (signal.aborted) return true;
        const names = new Set(files.map(({ proto }) => proto.name));
        const others = details.filter(({ proto }) => !names.has(proto.name));
        return onLearned(instance, service, { files, details: others });
      } catch (error) {
        if (signal.aborted) return true;
        warn(service, instance, error);
        if (error instanceof RpcError && mayPass(error)) return false;
        onRefused(instance, service);
        return true;
      }
    };
    try {
      const learned = await Promise.all(services.map(learn));
      return services.filter((_, index) => learned[index] === false);
    } finally {
      timer.cancel();
      channel.close();
    }
  };
}

/** A message of `google/rpc/error_details.proto`. */
const DETAIL = 'google.rpc.BadRequest';

/** The files of the standard error details, to print them as JSON; empty if the server doesn't have them. */
async function detailsOf(reflection: ReturnType<typeof createReflection>): Promise<readonly ReflectedFile[]> {
  try {
    return await reflection.filesOf(DETAIL);
  } catch (error) {
    if (error instanceof RpcError) return [];
    throw error;
  }
}

const MAX_WARNINGS = 1_000;

/** Logs each failure of a service once, as a hundred replicas may have it. */
function createWarnings(log: Logger) {
  const logged = new Set<string>();
  return (service: string, { instanceId }: ServiceInstance, error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    const key = `${service}: ${reason}`;
    if (logged.has(key)) return;
    if (logged.size >= MAX_WARNINGS) logged.clear();
    logged.add(key);
    log.warn({ target: service, instanceId, reason }, `the gateway can't learn the contract of ${service}`);
  };
}
