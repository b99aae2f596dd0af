import {
  type Instance,
  InstanceStatus,
  OperatorState,
  type Position,
  RemovalReason,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';

/** What a client's watch said of an instance id. */
export interface Word {
  readonly instanceId: string;
  readonly incarnation: bigint;
  readonly address: string;
  /** Whether it wants calls, doesn't, or said goodbye. */
  readonly state: 'in' | 'out' | 'gone';
  /** Since when that holds. */
  readonly since: number;
  /** When the registry ceased to name it without a word of its own; undefined while it does. */
  readonly unlistedAt: number | undefined;
}

/** What one client's watch told it, read off the wire by the contract's own rules: what the client may know. */
export class Heard {
  readonly words = new Map<string, Word>();
  readonly #now: () => number;
  readonly #onDisorder: (detail: string) => void;
  #position: Position | undefined;
  #parts: Instance[] = [];
  /** What a registry that warms hasn't named yet. */
  readonly #unconfirmed = new Set<string>();

  /** @param onDisorder hears where a position is before the last. */
  constructor(now: () => number, onDisorder: (detail: string) => void) {
    this.#now = now;
    this.#onDisorder = onDisorder;
  }

  /** The ids that the registry names. */
  get listed(): readonly Word[] {
    return [...this.words.values()].filter(({ state, unlistedAt }) => state !== 'gone' && unlistedAt === undefined);
  }

  /** Its stream begins anew. */
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
    for (const instanceId of this.words.keys()) this.#unconfirmed.add(instanceId);
    for (const instance of instances) this.#upsert(instance);
  }

  #upsert({ instanceId, incarnation, endpoints, status, operatorState }: Instance): void {
    this.#unconfirmed.delete(instanceId);
    const wanted =
      status === InstanceStatus.INSTANCE_STATUS_SERVING && operatorState !== OperatorState.OPERATOR_STATE_CORDONED;
    const state = wanted ? 'in' : 'out';
    const address = endpoints[0]?.address ?? '';
    const before = this.words.get(instanceId);
    const same = before?.state === state && before.incarnation === incarnation && before.unlistedAt === undefined;
    if (same) return;
    this.words.set(instanceId, { instanceId, incarnation, address, state, since: this.#now(), unlistedAt: undefined });
  }

  #remove(instanceId: string, reason: RemovalReason): void {
    const word = this.words.get(instanceId);
    if (word === undefined || word.state === 'gone') return;
    if (reason === RemovalReason.REMOVAL_REASON_EXPIRED) this.#unlist(instanceId);
    else this.words.set(instanceId, { ...word, state: 'gone', since: this.#now() });
  }

  #unlist(instanceId: string): void {
    const word = this.words.get(instanceId);
    if (word === undefined || word.unlistedAt !== undefined) return;
    this.words.set(instanceId, { ...word, unlistedAt: this.#now() });
  }
}

function textOf({ epoch, revision }: Position): string {
  return `epoch ${epoch} revision ${revision}`;
}
