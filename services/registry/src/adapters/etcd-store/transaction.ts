import {
  type Compare,
  RequestOp,
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
} from '@rondo/contracts/etcd-v3/rpc';

/** A condition of a transaction. */
export type Condition = Compare;
/** A step of a transaction. */
export type Operation = RequestOp;

/** Holds where nobody has changed the key since it had this revision; 0 for a key that isn't there. */
export function unchanged(key: Buffer, modRevision: bigint): Condition {
  const targetUnion = { $case: 'modRevision', value: modRevision } as const;
  return { key, result: Result.EQUAL, target: Target.MOD, targetUnion, rangeEnd: Buffer.alloc(0) };
}

export function put(key: Buffer, value: Buffer, lease = 0n): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestPut', value: { key, value, lease } } });
}

export function get(key: Buffer): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestRange', value: { key } } });
}

export function remove(key: Buffer): Operation {
  return RequestOp.fromPartial({ request: { $case: 'requestDeleteRange', value: { key } } });
}
