import { Operation } from '@rondo/contracts/google/longrunning/operations';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { Queries } from '@rondo/database';
import { type OperationMethod, operationService } from '@rondo/rpc/internal';
import { findRun, outcomeIn, type RunRow } from './rows.js';

/** The name of a run's operation. */
export const operationName = ({ id, method }: Pick<RunRow, 'id' | 'method'>): string =>
  `operations/${method.slice(0, method.indexOf('/'))}/${id}`;

/**
 * The run of an operation; undefined if there is none, or it is a run of another service.
 *
 * @throws RpcError `INVALID_ARGUMENT` if no operation can have the name.
 */
export async function findNamed(queries: Queries, name: string): Promise<RunRow | undefined> {
  const id = name.slice(`operations/${operationService({ name })}/`.length);
  const row = await findRun(queries, id);
  return row !== undefined && operationName(row) === name ? row : undefined;
}

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A new id: a ULID, which begins with the time. */
export function newId(time: Date, randomHex: string): string {
  const bits = (BigInt(time.getTime()) << 80n) | BigInt(`0x${randomHex}`);
  const digits = [...bits.toString(32).padStart(26, '0')];
  return digits.map((digit) => DIGITS[Number.parseInt(digit, 32)]).join('');
}

/** The id of a run, which is also the token of the page after it. */
export const RUN_ID = /^[0-9A-Z]{26}$/;

/** A run as its operation. */
export function toOperation(run: RunRow, { operation }: Pick<OperationMethod, 'operation'>): Operation {
  const outcome = outcomeIn(run);
  const name = operationName(run);
  if (outcome === undefined) return Operation.fromPartial({ name });
  const bytes = Buffer.from(outcome.bytes ?? []);
  const result =
    outcome.code === 0
      ? {
          $case: 'response' as const,
          value: { typeUrl: `type.googleapis.com/${operation.responseType.$type}`, value: bytes },
        }
      : { $case: 'error' as const, value: RichStatus.decode(bytes) };
  return Operation.fromPartial({ name, done: true, result });
}
