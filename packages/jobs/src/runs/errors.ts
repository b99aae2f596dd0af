import { defineErrors } from '@rondo/rpc/status';

/** The errors of runs of workflows. */
export const runErrors = defineErrors('a service with workflows', {
  NO_RUN: {
    code: 'NOT_FOUND',
    text: 'there is no run {run} here',
    cause:
      'The run never started, its service is another one, or the retention of its workflow has passed since its end.',
    remedy: 'Check the name of the operation; `rondo runs ls` lists the runs.',
  },
  RUN_ENDED: {
    code: 'FAILED_PRECONDITION',
    text: 'the run {run} has ended',
    cause: 'A signal, a retry or a cancel came after the end of the run.',
    remedy: 'Start another run, with another key.',
    effect: 'none',
  },
  RUN_KEY_REUSED: {
    code: 'ALREADY_EXISTS',
    text: 'a run of {method} with the key {key} had another request; give each new request a new key',
    cause: 'A workflow was started twice with one key and different requests.',
    remedy: 'Make a new key for each new request; repeat a key only with the same request.',
  },
  SIGNALS_FULL: {
    code: 'RESOURCE_EXHAUSTED',
    text: '{most} signals wait for the run {run}, the most: its function has to wait for them first',
    cause: 'Signals come faster than the function of the run waits for them.',
    remedy: 'Send the signal later, or send fewer of them.',
    effect: 'none',
  },
  OPERATION_DELETE: {
    code: 'UNIMPLEMENTED',
    text: 'operations of workflows are removed by the retention of their contract; cancel the operation to end it',
    cause: '`DeleteOperation` was called.',
    remedy: 'Call `CancelOperation`, or set `(rondo.options.v1.method).workflow.retention`.',
  },
  LIST_FILTER: {
    field: 'filter',
    text: 'is "{filter}"; give service = "{service}", and perhaps AND done = false',
    cause:
      '`ListOperations` was called with another filter than it knows, or for a service that this process does not serve.',
    remedy: 'Name the service as the text shows.',
  },
  PAGE_TOKEN: {
    field: 'page_token',
    text: 'is no token of this list; pass on next_page_token as it came',
    cause: '`ListOperations` or `ListRuns` got a token that it has not answered.',
    remedy: 'Begin the list without a token.',
  },
});
