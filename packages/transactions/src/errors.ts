import { defineErrors } from '@rondo/rpc/status';

/** The errors of both sides, and of sagas. */
export const transactionErrors = defineErrors('the server', {
  CALLER_REFUSED: {
    code: 'PERMISSION_DENIED',
    text: '{caller} may not call this: {whoMay}',
    cause: 'The certificate of the caller names a process that takes no part in the transaction, or no operator.',
    remedy: "Call with the certificate that the text names; name the coordinator's service in the participant's configuration.",
  },
  NONE_HERE: {
    code: 'NOT_FOUND',
    text: 'this service has no {transactionsOrSagas}',
    cause: 'The service has no coordinator of transactions, or runs no sagas.',
    remedy: 'Ask a service that has; `rondo tx ls` finds them.',
  },
  INVALID_OUTCOME: {
    field: 'outcome',
    text: 'must be BRANCH_OUTCOME_COMMITTED or BRANCH_OUTCOME_ABORTED',
    cause: "An operator's call has an outcome that doesn't exist.",
    remedy: 'Send BRANCH_OUTCOME_COMMITTED or BRANCH_OUTCOME_ABORTED.',
  },
  NO_SAGA: {
    code: 'NOT_FOUND',
    text: 'there is no unfinished saga {id} here',
    cause: "The saga doesn't exist, or has ended.",
    remedy: 'Check the id; `rondo tx ls` lists the unfinished ones.',
  },
});

export const coordinatorErrors = defineErrors("the transaction's coordinator", {
  EXPIRED: {
    code: 'ABORTED',
    text: 'transaction {id} was not decided within {timeoutMs} ms and was aborted; try again',
    cause: 'The participants of a transaction took longer than its `timeoutMs`.',
    remedy: 'Begin a new transaction, with more time if it recurs; the logs of the participants show which one is slow.',
  },
  OTHER_COORDINATOR: {
    code: 'FAILED_PRECONDITION',
    text: 'transaction.coordinator: must be "{name}", the coordinator that was asked; it is "{coordinator}". Ask that coordinator about {id}',
    cause: 'A coordinator was asked about a transaction of another one.',
    remedy: 'Ask the coordinator that the text names.',
  },
  UNKNOWN: {
    code: 'NOT_FOUND',
    text: 'this coordinator has no transaction {id}; finished ones are kept for a week',
    cause: 'The coordinator never had the transaction, or has forgotten it: finished ones are kept for a week.',
    remedy: 'Check the id; `rondo tx ls` lists the unfinished ones.',
  },
  UNDECIDED: {
    code: 'FAILED_PRECONDITION',
    text: "transaction {id} is undecided: its own service hasn't done its part, so it can't be committed; it is aborted automatically at {expireTime}",
    cause: "An operator wants to commit a transaction whose own service hasn't done its part.",
    remedy: 'Wait until it is aborted, at the time in the text, or abort it.',
  },
  DECIDED: {
    code: 'FAILED_PRECONDITION',
    text: 'transaction {id} is decided: it is {decision}',
    cause: 'An operator wants to end a transaction in the other way than it was decided.',
    remedy: 'None: a decision is final.',
  },
});

export const participantErrors = defineErrors("the transaction's participant", {
  // The request.
  UNKNOWN_COORDINATOR: {
    code: 'PERMISSION_DENIED',
    text: 'transaction.coordinator: must be one that this participant knows ({known}); it is "{coordinator}". Name it in the configuration of the participant',
    cause: "The transaction is of a coordinator that isn't in the participant's configuration.",
    remedy: 'Add the coordinator to the configuration of the participant; see the guide on transactions.',
  },
  UNKNOWN_OPERATION: {
    field: 'operation',
    text: 'must have the type of an operation ({names}); it is "{type}"',
    cause: "The operation of a transaction's part isn't one that this participant has.",
    remedy: 'Send one of those that the text lists, or deploy the participant that has it first.',
  },
  OTHER_TYPE: {
    field: '{field}',
    text: 'must be a {type}; it is "{found}"',
    cause: 'A message in an `Any` has another type than expected.',
    remedy: 'Send the type that the text names.',
  },
  UNDECODABLE: {
    field: '{field}',
    text: "doesn't decode as {type}",
    cause: "A message in an `Any` has bytes that aren't of its type.",
    remedy: 'Encode the message with the contract of the participant.',
  },

  // The transaction.
  NOT_UNDECIDED: {
    code: 'ABORTED',
    text: 'the coordinator "{coordinator}" has no undecided transaction {id} with a part for this participant; begin a new one',
    cause: 'The coordinator has decided the transaction, or never began it, when a participant is asked to prepare.',
    remedy: 'Begin a new transaction.',
  },
  COORDINATOR_AWAY: {
    code: 'UNAVAILABLE',
    text: 'the coordinator "{coordinator}", or its database, can\'t be asked about transaction {id} now; try again',
    cause: 'The participant asks the coordinator about each transaction before it prepares its part, and got no answer.',
    remedy: "Begin a new transaction; see whether the coordinator's service and its database run.",
    effect: 'none',
  },
  PREPARED_BEFORE: {
    code: 'ABORTED',
    text: 'transaction {id} of {coordinator} is already prepared, or being prepared, here',
    cause: 'The participant was asked again to prepare the same part, as happens if the connection broke during the first request.',
    remedy: "Begin a new transaction if `rondo tx ls` doesn't show this one as committing.",
    effect: 'possible',
  },
  ENDED_BEFORE: {
    code: 'ABORTED',
    text: 'transaction {id} of {coordinator} has ended here already; begin a new one',
    cause: 'The part was committed or aborted already, so that a late request to prepare it has no effect.',
    remedy: 'Begin a new transaction.',
  },
  ABORTED_MEANWHILE: {
    code: 'ABORTED',
    text: 'transaction {id} of {coordinator} was aborted while it was being prepared; begin a new one',
    cause: 'The coordinator aborted the transaction before this participant had prepared its part.',
    remedy: 'Begin a new transaction.',
  },

  // The database, and its limits.
  DATABASE_AWAY: {
    code: 'UNAVAILABLE',
    text: "the participant's database can't be asked now; try again",
    cause: "The participant can't reach its database, or gets no answer in time.",
    remedy: 'Begin a new transaction later. The operator looks at the database: `rondo doctor`.',
    effect: 'none',
  },
  ROWS_HELD: {
    code: 'ABORTED',
    text: 'another transaction holds the same rows and has not ended; try again',
    cause: 'A prepared transaction, or a slow one, holds the rows that this one needs.',
    remedy: "Begin a new transaction, after a pause. `rondo tx ls` shows those that haven't ended.",
  },
  OTHERS_WON: {
    code: 'ABORTED',
    text: 'concurrent transactions won every attempt; try again',
    cause: 'Concurrent transactions changed the same rows at each attempt of the participant.',
    remedy: 'Begin a new transaction, after a pause.',
  },
  NO_SLOT: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the database has as many prepared transactions as it may hold (max_prepared_transactions); try later',
    cause: 'PostgreSQL holds as many prepared transactions as `max_prepared_transactions` allows.',
    remedy: 'Try later; raise the setting if it recurs, and look for transactions in doubt with `rondo tx ls`.',
  },
  FEW_SLOTS: {
    code: 'RESOURCE_EXHAUSTED',
    text: '{used} transactions are prepared on the server, which may have {slots} (max_prepared_transactions): try again when some have ended',
    cause: "The participant's PostgreSQL holds nearly as many prepared transactions as `max_prepared_transactions` allows.",
    remedy: 'Try later; raise the setting if it recurs, and look for transactions in doubt with `rondo tx ls`.',
  },
  SHARE_FULL: {
    code: 'RESOURCE_EXHAUSTED',
    text: '{own} transactions of the coordinator "{coordinator}" are prepared and not ended: try again when some have ended',
    cause: 'One coordinator has more prepared transactions at the participant than its share.',
    remedy: 'Try later; look for transactions in doubt with `rondo tx ls`.',
  },
  TOO_MANY_PREPARE: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the participant prepares as many transactions as it may at once ({reason}); try again',
    cause: "Many transactions are prepared at once, or they wait for rows of a transaction that hasn't ended.",
    remedy: 'Begin a new transaction later; look for transactions in doubt with `rondo tx ls`.',
  },
  TOO_MANY_ASK: {
    code: 'RESOURCE_EXHAUSTED',
    text: '{asking} transactions wait for the answers of their coordinators: try again when some have ended',
    cause: 'More transactions than the participant holds wait for answers of their coordinators.',
    remedy: "Begin a new transaction later; see whether the coordinators' services run.",
  },
});
