import type { Settle } from '@rondo/base';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { type Channel, type ClientCall, createClient } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import {
  BYTES,
  bindingOf,
  inSpan,
  type PartContext,
  RouterError,
  STORED_CALL,
  TransportError,
  wasSent,
} from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Claim } from './attempt.js';
import type { StoredMethod } from './contract.js';
import { toMs } from './declared.js';

type Fleet = ReturnType<Channel['fleet']>;

/** An instance has ended during a call, or stands still: the call may be the cause. */
export class InstanceEnded extends Error {
  override readonly name = 'InstanceEnded';
  override readonly cause: RpcError;

  constructor(text: string, cause: RpcError) {
    super(text);
    this.cause = cause;
  }
}

/** A call as it is stored. */
interface StoredCall {
  readonly id: string;
  readonly request: Uint8Array;
  /** By it the call takes effect once, if the method has such keys. */
  readonly idempotencyKey: string;
  readonly attempts: number;
  readonly traceparent: string;
}

/** Where and how a stored call is made. */
interface StoredCallOptions {
  readonly signal: AbortSignal;
  /** What a handler gets besides. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The only instance that may get it. */
  readonly instance?: string | undefined;
  /** An instance that doesn't get it. */
  readonly avoids: string | null;
  /** Whether this process serves the call itself, if its server still takes calls. */
  readonly here?: boolean;
  /** Ends the call in the transaction of its handler, if this process serves it. */
  readonly settle?: Settle | undefined;
  /** Called once the instance may have ended, before it is known; of a suspect that is called in this process, before the call. */
  readonly onDoubt?: () => Promise<void>;
}

/** Makes the stored calls of a process. */
export interface StoredCaller {
  /**
   * Calls once, as a call that ends its instance would end others by its retries, and not in this process if there is another. The call has
   * a span of its own.
   *
   * @throws InstanceEnded if that is what has become of the instance. @throws RpcError otherwise.
   */
  call(job: StoredMethod, call: StoredCall, options: StoredCallOptions): Promise<void>;
  /**
   * Whether the call with this signal was sent to an instance that takes no calls now, as it is silent or has ended: others aren't to wait for
   * it.
   */
  isStuck(job: StoredMethod, signal: AbortSignal): boolean;
  /** Which of the methods run in this process, and its instance, if that is known. */
  here(jobs: readonly StoredMethod[]): NonNullable<Claim['here']>;
  /**
   * The instance for suspects of the method: this one for what it executes, empty if it isn't known. For calls the live one with the lowest id,
   * and this process only if it is alone.
   */
  instanceForSuspects(job: StoredMethod): string | undefined;
  /** Whether the instance answers now: one that stands still is killed by its supervisor, and no suspect is the cause. */
  answers(job: StoredMethod, instance: string): Promise<boolean>;
}

/** How long an instance has to answer, and how soon it is asked again. */
const [ANSWER_MS, AGAIN_MS] = [1_000, 250];
/** A process that is silent for longer stands still. Its connection has broken 5 s after its last bytes. */
const STANDS_STILL_MS = 40_000;
/** The reasons why there is no connection if no process listens: of Node, and of the network in memory. */
const REFUSED = /ECONNREFUSED|nothing listens/;

/** What a {@link StoredCaller} needs. */
interface StoredCallerOptions {
  readonly channel: Channel;
  readonly loopback?: PartContext['loopback'];
  readonly clock: Clock;
  /** What traces call a stored call, such as `job`. */
  readonly noun: string;
}

/** Makes calls over a channel. */
export function storedCaller({ channel, loopback, clock, noun }: StoredCallerOptions): StoredCaller {
  type Call = ReturnType<typeof encodedCall>;
  const known = new WeakMap<StoredMethod, { call: Call; own: Call | undefined; fleet: Fleet }>();
  const sent = new WeakMap<AbortSignal, ClientCall['attempts']>();
  const note: Middleware<ClientCall> = (call, next) => {
    if (call.options.signal !== undefined) sent.set(call.options.signal, call.attempts);
    return next(call);
  };
  const targetOf = (job: StoredMethod) => {
    const made = known.get(job);
    if (made !== undefined) return made;
    const call = encodedCall(job, channel, [note]);
    const own = loopback && encodedCall(job, loopback.channel);
    const target = { call, own, fleet: channel.fleet(bindingOf(call).method) };
    known.set(job, target);
    return target;
  };
  const { answers, endOf } = endsOf({ channel, clock, fleetOf: (job) => targetOf(job).fleet });
  return {
    async call(job, { id, request, idempotencyKey, attempts, traceparent }, given) {
      const { avoids, onDoubt, here = false, settle, ...options } = given;
      const { call, own, fleet } = targetOf(job);
      const metadata: Record<string, string> = { ...keyOf(job, idempotencyKey), ...options.metadata };
      const avoid = [avoids, fleet.own].filter((id) => typeof id === 'string');
      const attributes = { [`rondo.${noun}.id`]: id, [`rondo.${noun}.attempt`]: attempts };
      await inSpan({ name: `${noun} ${job.name}`, attributes, linkTo: traceparent }, async () => {
        if (here && own !== undefined && loopback?.serves(job.method.path)) {
          const make = () => own(request, { signal: options.signal, metadata, maxAttempts: 1 });
          await (settle ? loopback.settling(metadata[STORED_CALL] ?? '', settle, make) : make());
          return;
        }
        if (options.instance !== undefined && options.instance === fleet.self) await onDoubt?.();
        try {
          await call(request, { ...options, metadata, avoid, maxAttempts: 1 });
        } catch (error) {
          throw (await endOf(error, job, { signal: options.signal, ...(onDoubt && { onDoubt }) })) ?? error;
        }
      });
    },
    isStuck(job, signal) {
      const { fleet } = targetOf(job);
      const at = sent.get(signal)?.at(-1);
      const goesOn = (id: string) => fleet.standing().ready.includes(id) || fleet.isLeaving(id);
      return at !== undefined && wasSent(at) && !goesOn(at.instance);
    },
    here(jobs) {
      const served = jobs.filter(({ method, execute }) => execute !== undefined || loopback?.serves(method.path));
      const [first] = served;
      return { methods: served.map(({ name }) => name), instance: (first && targetOf(first).fleet.self) ?? null };
    },
    instanceForSuspects(job) {
      const { fleet } = targetOf(job);
      if (job.execute !== undefined) return fleet.self ?? '';
      const { ready, idle } = fleet.standing();
      const live = [...ready, ...idle].toSorted();
      return live.find((id) => id !== fleet.own) ?? live[0];
    },
    answers,
  };
}

/** Tells whether the instance that a stored call was sent to has ended. */
function endsOf({
  channel,
  clock,
  fleetOf,
}: Pick<StoredCallerOptions, 'channel' | 'clock'> & { readonly fleetOf: (job: StoredMethod) => Fleet }) {
  const answers = async ({ service, execute }: StoredMethod, instance: string) => {
    if (execute !== undefined) return true; // this process
    try {
      const health = createClient(HealthDefinition, { channel, at: service.fullName });
      await health.check({}, { instance, timeoutMs: ANSWER_MS });
      return true;
    } catch (error) {
      return error instanceof RpcError && error.origin === 'server';
    }
  };
  /** Whether the process that had the id at `time` lives; undefined if none answers. One that doesn't say its uptime counts as another. */
  const lives = async ({ service }: StoredMethod, instance: string, time: number): Promise<boolean | undefined> => {
    const askedAt = clock.now();
    try {
      const stats = createClient(CallStatsServiceDefinition, { channel, at: service.fullName });
      const { uptime } = await stats.getCallStats({}, { instance, timeoutMs: ANSWER_MS });
      return uptime !== undefined && toMs(uptime) >= askedAt - time;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return error.code === Status.UNIMPLEMENTED || REFUSED.test(error.message) ? false : undefined;
    }
  };
  /** The end of the instance, if the failed call may be its cause. While that isn't known, the call isn't made elsewhere. */
  const endOf = async (
    error: unknown,
    job: StoredMethod,
    { signal, onDoubt }: Pick<StoredCallOptions, 'signal' | 'onDoubt'>,
  ): Promise<InstanceEnded | undefined> => {
    const at = error instanceof RpcError ? error.report?.attempts.at(-1) : undefined;
    if (!(error instanceof RpcError) || at === undefined || !wasSent(at)) return undefined;
    const { instance, elapsedMs } = at;
    const failedAt = clock.now();
    const isLate = error.code === Status.DEADLINE_EXCEEDED && error.origin === 'client';
    if (!isLate && !isBroken(error)) return undefined;
    if (isLate ? await answers(job, instance) : fleetOf(job).isLeaving(instance)) return undefined;
    await onDoubt?.();
    for (;;) {
      const same = await lives(job, instance, failedAt - elapsedMs);
      if (same) return undefined;
      const stood = same === undefined;
      if (!stood || clock.now() - failedAt >= STANDS_STILL_MS) {
        const what = stood ? 'stood still' : 'ended';
        return new InstanceEnded(`the instance ${instance} ${what}: ${error.message}`, error);
      }
      await sleep(clock, AGAIN_MS, signal);
    }
  };
  return { answers, endOf };
}

/** The metadata by which a call takes effect once; empty if its method is idempotent without a key. */
function keyOf({ method }: StoredMethod, key: string): Readonly<Record<string, string>> {
  const { source } = method.policy.key ?? {};
  return source?.from === 'metadata' ? { [source.key]: key } : {};
}

/** Whether the connection broke after the call was sent. */
export const isBroken = ({ cause, code }: RpcError): boolean =>
  code === Status.UNAVAILABLE && cause instanceof TransportError && cause.reach === 'unknown' && !cause.foreign;

/** Whether it is certain that no handler has seen the call. */
export function isUnseen({ cause, origin }: RpcError): boolean {
  if (cause instanceof TransportError) return cause.reach !== 'unknown';
  return origin === 'client' || (cause instanceof RouterError && cause.handled === 'never');
}

/** The status of a failed call, for metrics. */
export function codeOf(error: unknown): string {
  const fault = error instanceof InstanceEnded ? error.cause : error;
  return fault instanceof RpcError ? fault.codeName : 'UNKNOWN';
}

/** Calls the method with a request that is encoded already. */
export function encodedCall(
  { service, definition }: Pick<StoredMethod, 'service' | 'definition'>,
  channel: Channel,
  middleware: readonly Middleware<ClientCall>[] = [],
) {
  const unary = { requestStream: false, responseStream: false } as const;
  const encoded = { ...definition, ...unary, requestType: BYTES, responseType: BYTES };
  return createClient({ ...service, methods: { encoded } }, { channel, middleware }).encoded;
}
