import { defineErrors } from '@rondo/rpc/status';

/** The errors of the service that operators of jobs call. */
export const jobErrors = defineErrors('a service with jobs', {
  OPERATORS_ONLY: {
    code: 'PERMISSION_DENIED',
    text: '{caller} may not call this: people and operators may',
    cause: 'The certificate of the caller names no person and no operator.',
    remedy: 'Call with the certificate of a person or an operator, spiffe://…/person/….',
  },
  NO_JOB: {
    code: 'NOT_FOUND',
    text: 'there is no job {id} here',
    cause: "The job doesn't exist, or has ended.",
    remedy: 'Check the id; `rondo jobs` lists the jobs that have not ended.',
  },
  NO_SCHEDULE: {
    code: 'NOT_FOUND',
    text: 'no method {method} here has a schedule',
    cause: 'The service has no such method, or its contract gives it no `cron`.',
    remedy: 'Name a method that `rondo jobs ls` shows with a schedule.',
  },
});
