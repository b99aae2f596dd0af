import type { TransactionRef } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { validate } from '@rondo/rpc/status';

const MAX_COORDINATOR = 40;
const MAX_ID = 64;
const MAX_PARTICIPANT = 40;
const PREFIX = 'rondo:';

/** A valid reference to a transaction. */
export interface CheckedRef {
  readonly coordinator: string;
  readonly id: string;
}

/**
 * Checks the name of a coordinator or participant.
 *
 * @throws TypeError for an invalid name.
 */
export function checkName(role: string, name: string): string {
  if (isName(name, MAX_PARTICIPANT)) return name;
  throw new TypeError(`"${name}" can't name a ${role}: 1 to ${MAX_PARTICIPANT} of A-Z a-z 0-9 . _ -`);
}

/**
 * Checks the reference in a request.
 *
 * @throws RpcError `INVALID_ARGUMENT` that lists what is wrong.
 */
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

/** The gid of a branch: unique per transaction and participant in one database. */
export function gidOf({ coordinator, id }: CheckedRef, participant: string): string {
  return `${PREFIX}${coordinator}:${id}:${participant}`;
}

/** The common prefix of the gids of one coordinator; of all branches if `coordinator` is empty. */
export function gidPrefix(coordinator: string): string {
  return coordinator === '' ? PREFIX : `${PREFIX}${coordinator}:`;
}

/** The transaction of a prepared branch; undefined if the branch isn't this participant's. */
export function branchOf(gid: string, participant: string): CheckedRef | undefined {
  const [prefix, coordinator, id, owner, ...rest] = gid.split(':');
  const mine = `${prefix}:` === PREFIX && owner === participant && rest.length === 0;
  return mine && coordinator !== undefined && id !== undefined ? { coordinator, id } : undefined;
}

function isName(name: string, maxLength: number): boolean {
  return name.length <= maxLength && /^[\w.-]+$/.test(name);
}
