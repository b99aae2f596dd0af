import type { InstanceWork, ResolveWorkRequest, WatchWorkRequest } from '@rondo/contracts/rondo/gateway/v1/console';
import { consoleService, type EventOf, useStream } from '../calls/use-stream.js';
import type { Stream } from '../calls/watch.js';
import type { Instance } from '../fleet/watch.js';
import type { Json } from '../page/json.js';
import { type Silent, takeSilent } from '../ui/silent.js';

/** What one instance has of stored work. */
export type Reported = Json<InstanceWork>;

/** What instances have reported. */
export interface Work {
  readonly byInstance: ReadonlyMap<string, Reported>;
  readonly silent: Silent;
}

/** Takes an event of `WatchWork`. What was reported last comes last. */
function takeWork(before: Work | undefined, event: EventOf<'watchWork'>): Work {
  const byInstance = new Map(before?.byInstance);
  for (const { instanceId = '', reason = '' } of event.silent ?? []) if (reason === '') byInstance.delete(instanceId);
  for (const one of event.answers ?? []) {
    byInstance.delete(one.instanceId ?? '');
    byInstance.set(one.instanceId ?? '', one);
  }
  return { byInstance, silent: takeSilent(before?.silent, event) };
}

/** Follows the stored work of all instances. */
export const useWork = (request: Json<WatchWorkRequest>): Stream<Work> =>
  useStream({ method: 'watchWork', request, take: takeWork });

const REPORTS_WORK = /^rondo\.(?:jobs|events|transactions)\.v1\./;

/** Whether a replica of each service that may have stored work has reported it, or can't: they all report the same. */
export function isReported({ byInstance, silent }: Work, instances: readonly Instance[]): boolean {
  const asked = instances.filter(({ services }) => services.some((name) => REPORTS_WORK.test(name)));
  const groups = [...Map.groupBy(asked, ({ name }) => name).values()];
  return groups.every((replicas) => replicas.some(({ id }) => byInstance.has(id) || silent.has(id)));
}

/** Something that an instance has, and can change. */
export type At<T> = T & { readonly instanceId: string };

const order = new Intl.Collator('en', { numeric: true });

/** What instances have, by key. Replicas of a service report the same: what has one key is one, as it was reported last. */
export function itemsOf<T>(
  work: Work | undefined,
  of: (one: Reported) => readonly T[] | undefined,
  keyOf: (item: T) => string,
): readonly At<T>[] {
  const all = new Map<string, At<T>>();
  for (const [instanceId, one] of work?.byInstance ?? [])
    for (const item of of(one) ?? []) all.set(keyOf(item), { ...item, instanceId });
  return [...all].sort(([one], [other]) => order.compare(one, other)).map(([, item]) => item);
}

/** Asks an instance to change what it has. */
export const resolveWork = (
  instanceId: string,
  action: Omit<Json<ResolveWorkRequest>, 'instanceId'>,
): Promise<unknown> => consoleService.call('resolveWork', { instanceId, ...action });
