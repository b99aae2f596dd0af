import type { Committed, Etcd, KeyValue } from './etcd-client.js';
import type { Folder, Keys } from './keys.js';
import { decodeGoodbye, decodeMark, decodeRecord, decodeRefusal } from './record.js';
import type { Standing, Versioned } from './replica.js';
import { type Condition, get, type Operation } from './transaction.js';

const FOLDERS = ['instances', 'leases', 'goodbyes', 'operators', 'refusals'] as const satisfies readonly Folder[];

/** What came of a transaction on what stands for an instance id: its revision if it had one, or what stands there instead. */
export type Outcome = { readonly revision: bigint | undefined } | { readonly standing: Standing };

/** Reads and changes what stands in etcd for one instance id at a time. */
export interface Ledger {
  /** As etcd has it right now. */
  read(instanceId: string): Promise<Standing>;
  /** Takes `steps` where `conditions` hold. */
  commit(instanceId: string, conditions: readonly Condition[], steps: readonly Operation[]): Promise<Outcome>;
}

/** Makes a ledger. */
export function openLedger(etcd: Etcd, keys: Keys): Ledger {
  const reads = (instanceId: string) => FOLDERS.map((folder) => get(keys.of(folder, instanceId)));
  return {
    async read(instanceId) {
      return toStanding(await etcd.commit([], reads(instanceId)));
    },
    async commit(instanceId, conditions, steps) {
      const committed = await etcd.commit(conditions, steps, reads(instanceId));
      return committed.succeeded ? { revision: committed.revision } : { standing: toStanding(committed) };
    },
  };
}

function toStanding({ reads: [record, lease, goodbye, mark, refusal] }: Committed): Standing {
  return {
    record: versioned(record, decodeRecord),
    goodbye: versioned(goodbye, decodeGoodbye),
    mark: versioned(mark, decodeMark),
    refusal: versioned(refusal, decodeRefusal),
    alive: lease !== undefined,
  };
}

function versioned<T>(pair: KeyValue | undefined, decode: (bytes: Buffer) => T): Versioned<T> | undefined {
  if (pair === undefined) return undefined;
  const { value, createRevision, modRevision } = pair;
  return { value: decode(value), createRevision, modRevision };
}
