import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { CallStatsServiceDefinition, type MethodStats } from '@rondo/contracts/rondo/stats/v1/stats';
import type { Clock } from '@rondo/rpc/clock';
import type { Method } from '@rondo/rpc/internal';
import { implement, type Router, type ServiceImplementation } from '@rondo/rpc/server';

/** Whose calls are told. */
interface CallStatsOptions {
  readonly instanceId: string;
  /** When the process started. */
  readonly startedAt: Date;
  /** The router that counts the calls. It is read at each request, because it routes this service too. */
  readonly router: () => Pick<Router, 'methods' | 'stats'>;
  /** Fully qualified services whose calls aren't told, such as health. */
  readonly ignored: readonly string[];
  readonly clock: Clock;
}

/** Creates `rondo.stats.v1.CallStatsService`: the counters of the calls that this process answers. */
export function createCallStats(options: CallStatsOptions): ServiceImplementation {
  const { instanceId, startedAt: startTime, router, clock } = options;
  const ignored: ReadonlySet<string> = new Set(options.ignored);
  const createdAt = clock.now();
  return implement(CallStatsServiceDefinition, {
    getCallStats() {
      const { methods, stats } = router();
      const told = methods.flatMap((method) => {
        const counted = stats.get(method.path);
        return counted === undefined || counted.begun === 0 || ignored.has(method.service)
          ? []
          : [toMethodStats(method, counted)];
      });
      return { instanceId, startTime, uptime: toDuration(clock.now() - createdAt), methods: told };
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
    durations: counted.durations().map(({ count, ...range }) => ({ ...range, count: BigInt(count) })),
    requestBytes: BigInt(counted.requestBytes),
    replyBytes: BigInt(counted.replyBytes),
  };
}

function toDuration(ms: number): Duration {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.floor((ms - seconds * 1_000) * 1e6) };
}
