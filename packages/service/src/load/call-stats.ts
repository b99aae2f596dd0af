import type { ResponseCache } from '@rondo/cache';
import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import {
  type AttemptStats,
  BreakerState,
  type CalledInstance,
  type CalledService,
  CallStatsServiceDefinition,
  type GuardedMethod,
  type MethodStats,
} from '@rondo/contracts/rondo/stats/v1/stats';
import type { Channel } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import type { Method, MutualTls, ServiceView } from '@rondo/rpc/internal';
import { implement, type Router, type ServiceImplementation } from '@rondo/rpc/server';
import type { MeteredPools } from '../metrics/pools.js';

/** Whose calls are counted. */
interface CallStatsOptions {
  readonly instanceId: string;
  /** When the process started. */
  readonly startedAt: Date;
  /** The router that counts the calls. It is read at each request, because it routes this service too. */
  readonly router: () => Pick<Router, 'methods' | 'stats'>;
  /** Fully qualified services whose calls aren't counted, such as health. */
  readonly ignored: readonly string[];
  readonly clock: Clock;
  /** The channel whose breakers and bulkheads are reported. */
  readonly channel: Pick<Channel, 'inspect' | 'ignoredSettings'>;
  /** The cache whose feeds are reported. */
  readonly cache: Pick<ResponseCache, 'feeds'>;
  readonly pools: MeteredPools;
  /** Undefined without TLS. */
  readonly identity: MutualTls['identity'] | undefined;
}

/** How many instances of a called service are reported. */
const MAX_INSTANCES = 20;

/** Creates `rondo.stats.v1.CallStatsService`: the counters of the calls that this process answers. */
export function createCallStats(options: CallStatsOptions): ServiceImplementation {
  const { instanceId, startedAt: startTime, router, clock, channel, cache, pools, identity } = options;
  const ignored: ReadonlySet<string> = new Set(options.ignored);
  const createdAt = clock.now();
  return implement(CallStatsServiceDefinition, {
    getCallStats({ calledInstanceIds }) {
      const { methods, stats } = router();
      const counts = methods.flatMap((method) => {
        const counted = stats.get(method.path);
        return counted === undefined || counted.begun === 0 || ignored.has(method.service)
          ? []
          : [toMethodStats(method, counted)];
      });
      const called = channel.inspect();
      const asked: ReadonlySet<string> = new Set(calledInstanceIds.slice(0, MAX_INSTANCES));
      const calledServices = called.map((view) => toCalledService(view, asked));
      const guardedMethods = called.flatMap(({ guards }) => guards.map(toGuardedMethod));
      const followedFeeds = cache.feeds().map(({ service, method, fault = '' }) => ({ service, method, fault }));
      const uptime = toDuration(clock.now() - createdAt);
      const eventLoopActive = toDuration(performance.eventLoopUtilization().active);
      const counted = { instanceId, startTime, uptime, methods: counts, guardedMethods, followedFeeds };
      const certificateEndTime = identity?.current.validTo;
      const ignoredSettings = [...channel.ignoredSettings];
      return { ...counted, ignoredSettings, eventLoopActive, pools: pools.read(), calledServices, certificateEndTime };
    },
  });
}

type Counted = NonNullable<ReturnType<Router['stats']['get']>>;

function toMethodStats({ service, name }: Method, counted: Counted): MethodStats {
  return {
    service,
    method: name,
    begun: BigInt(counted.begun),
    ended: counted.ended.flatMap((count, code) => (count === 0 ? [] : [{ code, count: BigInt(count) }])),
    durations: toDurations(counted),
    requestBytes: BigInt(counted.requestBytes),
    replyBytes: BigInt(counted.replyBytes),
  };
}

const toDurations = (counted: Pick<Counted, 'durations'>) =>
  counted.durations().map(({ count, ...range }) => ({ ...range, count: BigInt(count) }));

function toCalledService(
  { service, balancing, endpoints, attempts }: ServiceView,
  asked: ReadonlySet<string>,
): CalledService {
  const leftOut = endpoints.filter((one) => one.leftOut);
  const listed = new Set([
    ...endpoints.filter(({ instanceId }) => asked.has(instanceId)),
    ...leftOut.slice(0, MAX_INSTANCES),
  ]);
  const instances = [...listed].map(toCalledInstance);
  return { service, policy: balancing.policy, attempts: toAttempts(attempts), instances, leftOut: leftOut.length };
}

function toCalledInstance({
  instanceId,
  attempts,
  inFlight,
  share,
  held,
  methods,
  leftOut,
}: ServiceView['endpoints'][number]): CalledInstance {
  const why = held ?? methods.find((method) => method.held !== undefined)?.held ?? '';
  const ramp = Math.min(1, ...methods.map((method) => method.ramp));
  return { instanceId, attempts: toAttempts(attempts), inFlight, share, ramp, held: why, leftOut };
}

const toAttempts = (counts: ServiceView['attempts']): AttemptStats => ({
  begun: BigInt(counts.begun),
  failed: BigInt(counts.failed),
  durations: toDurations(counts),
});

type GuardView = ServiceView['guards'][number];

const BREAKER_STATES: Readonly<Record<NonNullable<GuardView['breaker']>['state'], BreakerState>> = {
  closed: BreakerState.BREAKER_STATE_CLOSED,
  half_open: BreakerState.BREAKER_STATE_HALF_OPEN,
  open: BreakerState.BREAKER_STATE_OPEN,
};

function toGuardedMethod({ path, breaker, bulkhead }: GuardView): GuardedMethod {
  const [, service = '', method = ''] = path.split('/');
  return {
    service,
    method,
    breaker: breaker && {
      state: BREAKER_STATES[breaker.state],
      openTime: breaker.openedAt,
      reason: breaker.reason,
      openings: BigInt(breaker.openings),
      refused: BigInt(breaker.refused),
    },
    bulkhead: bulkhead && {
      inFlight: bulkhead.inFlight,
      maxCalls: bulkhead.policy.maxCalls,
      queued: bulkhead.queued,
      maxQueued: bulkhead.policy.maxQueued,
      refused: BigInt(bulkhead.refused),
    },
  };
}

function toDuration(ms: number): Duration {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.floor((ms - seconds * 1_000) * 1e6) };
}
