import { DatabaseUnavailable, LockTimeout, SerializationFailure, StatementTimeout, sqlStateOf } from '@rondo/database';
import { RpcError, Status } from '@rondo/rpc/status';

/** SQLSTATE of PREPARE TRANSACTION where as many are prepared as the server was set up for. */
const NO_SLOT = '53200';

/** Settles as `work` does; what the database failed with becomes a status that a coordinator can act on. */
export async function asStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toRpcError(error);
  }
}

function toRpcError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable || error instanceof StatementTimeout) {
    return new RpcError(Status.UNAVAILABLE, "the participant's database can't be asked now", { cause: error });
  }
  if (error instanceof LockTimeout) {
    return new RpcError(Status.ABORTED, 'another transaction holds the same and has not ended; try again', {
      cause: error,
    });
  }
  if (error instanceof SerializationFailure) {
    return new RpcError(Status.ABORTED, 'concurrent transactions have won each time; try again', { cause: error });
  }
  if (sqlStateOf(error) === NO_SLOT) {
    const message = 'as many transactions are prepared as the database may hold (max_prepared_transactions); try later';
    return new RpcError(Status.RESOURCE_EXHAUSTED, message, { cause: error });
  }
  return error;
}
