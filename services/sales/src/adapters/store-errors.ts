import {
  DatabaseUnavailable,
  OutcomeUnknown as InDoubt,
  LockTimeout,
  SerializationFailure,
  StatementTimeout,
} from '@rondo/database';
import { ConcurrentChange, OutcomeUnknown, Unavailable } from '../domain/errors.js';

/** `work`, its failures in the domain's words: what the database says of itself never leaves the adapters. */
export async function storing<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toStoreError(error);
  }
}

/** What the database failed with, in the domain's words; anything else as it is. */
export function toStoreError(error: unknown): unknown {
  if (error instanceof SerializationFailure || error instanceof LockTimeout) return new ConcurrentChange(error);
  if (error instanceof InDoubt) return new OutcomeUnknown(error);
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout)
    return new Unavailable('the database', error);
  return error;
}
