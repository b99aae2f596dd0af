import type { Endpoint } from '@rondo/rpc/client';
import type { Resolution } from '@rondo/rpc/internal';
import type { SliceEvent } from './api.js';
import { endpointsOf, type HintedEndpoint, metaOf, type SliceReading } from './slice.js';

/** More instances of a service can't be right: further ones are left out. */
export const MAX_INSTANCES = 10_000;

/** While pods move between slices, some are in two of them. */
const MAX_KEPT = 2 * MAX_INSTANCES;

/** How slices are read, and the zone of the process that reads them. */
export interface SlicesOptions extends SliceReading {
  /** The zone of this process, without its region; empty if it isn't known. */
  readonly ownZone: string;
}

/** The slices of a service, and the instances that they name. */
export class Slices {
  readonly #options: SlicesOptions;
  readonly #slices = new Map<string, readonly HintedEndpoint[]>();
  #known: ReadonlyMap<string, Endpoint> = new Map();

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /** How many instances are known. */
  get size(): number {
    return this.#known.size;
  }

  /** Takes a list. */
  replace(slices: readonly unknown[]): Resolution {
    this.#slices.clear();
    for (const slice of slices) this.#set(slice);
    const resolution = this.#resolve();
    // An API server whose store was lost names nobody. Instances that are connected go on.
    return this.size === 0 ? { ...resolution, departed: [] } : resolution;
  }

  /** Takes one event; undefined if it has no slice. */
  apply({ type, object }: SliceEvent): Resolution | undefined {
    if (type === 'BOOKMARK') return undefined;
    if (type === 'DELETED') this.#slices.delete(metaOf(object).uid);
    else this.#set(object);
    return this.#resolve();
  }

  #set(slice: unknown): void {
    const { uid } = metaOf(slice);
    if (uid === '') return;
    this.#slices.delete(uid);
    let kept = this.#slices.size;
    for (const endpoints of this.#slices.values()) kept += endpoints.length;
    const room = Math.max(0, MAX_KEPT - kept);
    if (room > 0) this.#slices.set(uid, endpointsOf(slice, this.#options).slice(0, room));
  }

  #resolve(): Resolution {
    const before = this.#known;
    const now = new Map<string, Endpoint>();
    for (const endpoint of this.#meant()) {
      const { instanceId } = endpoint;
      const twin = now.get(instanceId);
      // While a pod moves from one slice to another, or if it has addresses of both kinds, two slices have it.
      if (twin === undefined ? now.size < MAX_INSTANCES : twin.state !== 'serving' && endpoint.state === 'serving') {
        now.set(instanceId, unchanged(before.get(instanceId), endpoint));
      }
    }
    this.#known = now;
    return { endpoints: [...now.values()], departed: [...before.keys()].filter((id) => !now.has(id)) };
  }

  /** Those whose hints name the zone of this process, if each serving one has hints, as kube-proxy does; else all. */
  #meant(): readonly Endpoint[] {
    const all = [...this.#slices.values()].flat();
    const { ownZone } = this.#options;
    const serving = all.filter(({ endpoint }) => endpoint.state === 'serving');
    const isNear = ({ forZones }: HintedEndpoint) => forZones.includes(ownZone);
    const obeys = ownZone !== '' && serving.some(isNear) && serving.every(({ forZones }) => forZones.length > 0);
    return (obeys ? all.filter(isNear) : all).map(({ endpoint }) => endpoint);
  }
}

/** The object of before, if nothing has changed. */
function unchanged(before: Endpoint | undefined, now: Endpoint): Endpoint {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}
