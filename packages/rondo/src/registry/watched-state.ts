import {
  type Instance,
  type Position,
  RemovalReason,
  type Snapshot,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { enumName, type InstanceView, isCordoned, viewInstance } from './instance-view.js';

/** The state of a watch client of the registry. It turns each event into the changes that it makes. */
export class WatchedState {
  readonly #instances = new Map<string, Instance>();
  /** The ids in the parts of an unfinished snapshot. */
  readonly #named = new Set<string>();
  #position: Position | undefined;
  #warming = false;
  /** Whether the first snapshot is complete. */
  #complete = false;

  /** The position to resume from; undefined to get a snapshot. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Forgets the parts of an unfinished snapshot: after a broken connection it begins anew. */
  forgetParts(): void {
    this.#named.clear();
  }

  /** Applies an event, and returns its changes. */
  apply({ position, warming, event }: WatchResponse): readonly Change[] {
    const changes: Change[] = [];
    if (warming !== this.#warming) changes.push({ type: warming ? 'warming' : 'warm' });
    this.#warming = warming;
    if (event?.$case === 'snapshot') changes.push(...this.#applySnapshot(event.value));
    if (event?.$case === 'delta') {
      changes.push(...event.value.upserts.flatMap((instance) => this.#upsert(instance)));
      changes.push(
        ...event.value.removals.flatMap(({ instanceId, reason }) => this.#remove(instanceId, removalReason(reason))),
      );
    }
    this.#position = position ?? this.#position;
    return changes;
  }

  #applySnapshot({ instances, more }: Snapshot): readonly Change[] {
    for (const { instanceId } of instances) this.#named.add(instanceId);
    const changes = instances.flatMap((instance) => this.#upsert(instance));
    if (more) return changes;
    // A warming registry doesn't know which instances have gone.
    const gone = this.#warming ? [] : [...this.#instances.keys()].filter((id) => !this.#named.has(id));
    changes.push(...gone.flatMap((id) => this.#remove(id, 'gone while the watch was broken')));
    this.#named.clear();
    this.#complete = true;
    return changes;
  }

  #upsert(instance: Instance): Change[] {
    const before = this.#instances.get(instance.instanceId);
    this.#instances.set(instance.instanceId, instance);
    const view = viewInstance(instance);
    if (before === undefined) return [{ type: this.#complete ? 'joined' : 'present', instance: view }];
    const changes = describeChanges(before, instance);
    return changes.length === 0 ? [] : [{ type: 'changed', instance: view, changes }];
  }

  #remove(instanceId: string, reason: string): Change[] {
    const before = this.#instances.get(instanceId);
    if (before === undefined) return [];
    this.#instances.delete(instanceId);
    return [{ type: 'left', instance: viewInstance(before), reason }];
  }
}

/** A change that a watch client sees. */
export type Change =
  | { readonly type: 'present' | 'joined'; readonly instance: InstanceView }
  | { readonly type: 'changed'; readonly instance: InstanceView; readonly changes: readonly string[] }
  | { readonly type: 'left'; readonly instance: InstanceView; readonly reason: string }
  | { readonly type: 'lost' | 'back' | 'moved' | 'warming' | 'warm' };

/** The differences between two states of an instance in words: `status SERVING → DRAINING`. */
function describeChanges(before: Instance, after: Instance): readonly string[] {
  const from = viewInstance(before);
  const to = viewInstance(after);
  const restarted = before.incarnation === after.incarnation ? [] : ['restarted'];
  const scalars = (['status', 'zone', 'version', 'weight'] as const)
    .filter((field) => from[field] !== to[field])
    .map((field) => `${field} ${from[field] || '-'} → ${to[field] || '-'}`);
  const lists = [
    changedList(
      'address',
      from.endpoints.map(({ address }) => address),
      to.endpoints.map(({ address }) => address),
    ),
    changedList('services', from.services, to.services),
    changedList('metadata', pairs(from.metadata), pairs(to.metadata)),
  ];
  return [...restarted, ...changedCordon(before, after), ...scalars, ...lists.flat()];
}

/** The text of the change that an operator has cordoned an instance. */
export const CORDONED = 'cordoned';

function changedCordon(before: Instance, after: Instance): readonly string[] {
  if (isCordoned(before) === isCordoned(after)) return [];
  return [isCordoned(after) ? CORDONED : 'uncordoned'];
}

/** Why an instance left, such as `expired`. */
function removalReason(reason: RemovalReason): string {
  return enumName(RemovalReason[reason], 'REMOVAL_REASON_', reason).toLowerCase();
}

function changedList(name: string, from: readonly string[], to: readonly string[]): readonly string[] {
  const [before, after] = [from.join(','), to.join(',')];
  return before === after ? [] : [`${name} ${before || '-'} → ${after || '-'}`];
}

function pairs(metadata: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(metadata)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}
