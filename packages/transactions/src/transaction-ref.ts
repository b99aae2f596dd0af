import type { TransactionRef } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { validate } from '@rondo/rpc/status';

const MAX_COORDINATOR = 40;
const MAX_ID = 64;
const MAX_PARTICIPANT = 40;
const PREFIX = 'rondo:';

/** Which transaction it is, checked. */
export interface CheckedRef {
  readonly coordinator: string;
  readonly id: string;
}

/** The name of a coordinator or participant. @throws TypeError where it can't be one. */
export function checkName(role: string, name: string): string {
  if (isName(name, MAX_PARTICIPANT)) return name;
  throw new TypeError(`"${name}" can't name a ${role}: 1 to ${MAX_PARTICIPANT} of A-Z a-z 0-9 . _ -`);
}

/** What a request names. @throws RpcError `INVALID_ARGUMENT` that lists what is wrong. */
export function readRef(ref: TransactionRef | undefined): CheckedRef {
  const { coordinator = '', id = '' } = ref ?? {};
  return validate((field) => {
    if (!isName(coordinator, MAX_COORDINATOR)) {
      field('transaction.coordinator')(`must be 1 to ${MAX_COORDINATOR} of A-Z a-z 0-9 . _ -; it is "${coordinator}"`);
    }
    if (!isName(id, MAX_ID)) field('transaction.id')(`must be 1 to ${MAX_ID} of A-Z a-z 0-9 . _ -; it is "${id}"`);
    return { coordinator, id };
  });
}

/** What a branch is prepared under: in one database, each participant's branch of a transaction has its own. */
export function gidOf({ coordinator, id }: CheckedRef, participant: string): string {
  return `${PREFIX}${coordinator}:${id}:${participant}`;
}

/** What all branches begin with, or all of one coordinator. */
export function gidPrefix(coordinator: string): string {
  return coordinator === '' ? PREFIX : `${PREFIX}${coordinator}:`;
}

/** Which branch a prepared transaction is; undefined where it is none of this participant's. */
export function branchOf(gid: string, participant: string): CheckedRef | undefined {
  const [prefix, coordinator, id, owner, ...rest] = gid.split(':');
  const mine = `${prefix}:` === PREFIX && owner === participant && rest.length === 0;
  return mine && coordinator !== undefined && id !== undefined ? { coordinator, id } : undefined;
}

function isName(name: string, maxLength: number): boolean {
  return name.length <= maxLength && /^[\w.-]+$/.test(name);
}
