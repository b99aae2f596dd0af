import { type RegistryConnection, setWish } from '../registry/index.js';
import { type Roster, requireKnown, requireOthers } from './roster.js';

/** What became of one instance. */
export interface Outcome {
  readonly instanceId: string;
  readonly state: 'CORDONED' | 'NONE';
  /** Whether it wasn't so before. */
  readonly changed: boolean;
  readonly reason: string;
}

/** How instances are cordoned. */
export interface CordonOptions {
  /** Why; undefined where nobody said: a reason that stands is kept then. */
  readonly reason: string | undefined;
  /** What stands for it where there is none yet. */
  readonly defaultReason: string;
  /** Also where nobody is left to serve something. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/**
 * Takes instances out, one after the other: each is told of as it is done. All is checked before the first.
 *
 * @throws RpcError `NOT_FOUND` for an id that nobody knows, `FAILED_PRECONDITION` where a service would be deserted.
 */
export async function* cordonAll(
  registry: RegistryConnection,
  { ids, roster }: { readonly ids: readonly string[]; readonly roster: Roster },
  { reason, defaultReason, force, signal }: CordonOptions,
): AsyncGenerator<Outcome> {
  requireKnown(ids, roster);
  if (!force) requireOthers(ids, roster);
  for (const instanceId of new Set(ids)) {
    const mark = roster.marks.get(instanceId);
    const wanted = reason ?? mark?.reason ?? defaultReason;
    const changed = mark === undefined || mark.reason !== wanted;
    if (changed) await setWish(registry, { instanceId, cordoned: true, reason: wanted }, signal);
    yield { instanceId, state: 'CORDONED', changed, reason: wanted };
  }
}

/** Puts instances back. One that isn't cordoned is left as it is. */
export async function* uncordonAll(
  registry: RegistryConnection,
  { ids, roster }: { readonly ids: readonly string[]; readonly roster: Roster },
  signal: AbortSignal,
): AsyncGenerator<Outcome> {
  requireKnown(ids, roster);
  for (const instanceId of new Set(ids)) {
    const changed = roster.marks.has(instanceId);
    if (changed) await setWish(registry, { instanceId, cordoned: false }, signal);
    yield { instanceId, state: 'NONE', changed, reason: '' };
  }
}
