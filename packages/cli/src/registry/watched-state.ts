import type { Instance, Position, Snapshot, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Change, describeChanges, removalReason } from './change.js';
import { viewInstance } from './instance-view.js';

/** What a watcher of the registry holds: each event is turned into what it changes. */
export class WatchedState {
  readonly #instances = new Map<string, Instance>();
  /** Those that the parts of an unfinished snapshot have named. */
  readonly #named = new Set<string>();
  #position: Position | undefined;
  #warming = false;
  /** Whether the state of the beginning has been told in full. */
  #complete = false;

  /** Where a broken watch goes on; undefined for a snapshot. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** A snapshot whose connection broke begins anew. */
  forgetParts(): void {
    this.#named.clear();
  }

  /** Takes an event in, and says what it changed. */
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
    // A registry that is warming can't say who has gone.
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
