import { defineErrors } from '@rondo/rpc/status';

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
});
