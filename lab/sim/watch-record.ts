import {
  type Instance,
  InstanceStatus,
  OperatorState,
  type Position,
  RemovalReason,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';

/** What a client's watch last reported about an instance id. */
export interface WatchedInstance {
  readonly instanceId: string;
  readonly incarnation: bigint;
  readonly address: string;
  /** Whether it wants calls, wants none, or deregistered. */
  readonly state: 'in' | 'out' | 'gone';
  /** Since when the state holds. */
  readonly since: number;
  /** When the registry stopped listing it without a deregistration; undefined while it is listed. */
  readonly unlistedAt: number | undefined;
}

/** What one client's watch reported, decoded from the wire by the rules of the contract: what the client may know. */
export class WatchRecord {
  readonly instances = new Map<string, WatchedInstance>();
  readonly #now: () => number;
  readonly #onDisorder: (detail: string) => void;
  #position: Position | undefined;
  #parts: Instance[] = [];
  /** The ids that a warming registry hasn't listed yet. */
  readonly #unconfirmed = new Set<string>();

  /** @param onDisorder called if a position is lower than the previous one. */
  constructor(now: () => number, onDisorder: (detail: string) => void) {
    this.#now = now;
    this.#onDisorder = onDisorder;
  }

  /** The instances that the registry lists. */
  get listed(): readonly WatchedInstance[] {
    return [...this.instances.values()].filter(({ state, unlistedAt }) => state !== 'gone' && unlistedAt === undefined);
  }

  /** Notes that the client opens a new stream. */
  restart(): void {
    this.#parts = [];
  }

  apply({ position, warming, event }: WatchResponse): void {
    if (event?.$case === 'snapshot') this.#parts.push(...event.value.instances);
    if (position === undefined) return;
    this.#move(position);
    if (event?.$case === 'snapshot') this.#snapshot(this.#parts.splice(0));
    if (event?.$case === 'delta') {
      for (const instance of event.value.upserts) this.#upsert(instance);
      for (const { instanceId, reason } of event.value.removals) this.#remove(instanceId, reason);
    }
    if (warming) return;
    for (const instanceId of this.#unconfirmed) this.#unlist(instanceId);
    this.#unconfirmed.clear();
  }

  #move(position: Position): void {
    const last = this.#position;
    const back =
      last !== undefined &&
      (position.epoch < last.epoch || (position.epoch === last.epoch && position.revision < last.revision));
    if (back) this.#onDisorder(`${textOf(position)} after ${textOf(last)}`);
    this.#position = position;
  }

  #snapshot(instances: readonly Instance[]): void {
    for (const instanceId of this.instances.keys()) this.#unconfirmed.add(instanceId);
    for (const instance of instances) this.#upsert(instance);
  }

  #upsert({ instanceId, incarnation, endpoints, status, operatorState }: Instance): void {
    this.#unconfirmed.delete(instanceId);
    const wanted =
      status === InstanceStatus.INSTANCE_STATUS_SERVING && operatorState !== OperatorState.OPERATOR_STATE_CORDONED;
    const state = wanted ? 'in' : 'out';
    const address = endpoints[0]?.address ?? '';
    const before = this.instances.get(instanceId);
    const same = before?.state === state && before.incarnation === incarnation && before.unlistedAt === undefined;
    if (same) return;
    this.instances.set(instanceId, {
      instanceId,
      incarnation,
      address,
      state,
      since: this.#now(),
      unlistedAt: undefined,
    });
  }

  #remove(instanceId: string, reason: RemovalReason): void {
    const instance = this.instances.get(instanceId);
    if (instance === undefined || instance.state === 'gone') return;
    if (reason === RemovalReason.REMOVAL_REASON_EXPIRED) this.#unlist(instanceId);
    else this.instances.set(instanceId, { ...instance, state: 'gone', since: this.#now() });
  }

  #unlist(instanceId: string): void {
    const instance = this.instances.get(instanceId);
    if (instance === undefined || instance.unlistedAt !== undefined) return;
    this.instances.set(instanceId, { ...instance, unlistedAt: this.#now() });
  }
}

function textOf({ epoch, revision }: Position): string {
  return `epoch ${epoch} revision ${revision}`;
}
