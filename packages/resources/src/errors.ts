import { defineErrors } from '@rondo/rpc/status';

/** The texts that callers get for the errors of domain/errors.ts. A service's own errors have their own messages. */
export const resourceErrors = defineErrors('the server', {
  MISSING: {
    code: 'NOT_FOUND',
    text: '{resourcesThatAreMissing}; {remedy}',
    cause: "The request names resources that don't exist, or no longer. The detail `google.rpc.ResourceInfo` lists them.",
    remedy: 'Follow the remedy at the end of the text.',
  },
  NOT_PERMITTED: {
    code: 'PERMISSION_DENIED',
    text: '{what} can be changed only with the scope {scope}; ask an administrator to change it, or for the scope',
    cause: 'The caller sees the resource, but a rule of the service lets only administrators make this change. The detail `google.rpc.ErrorInfo` has the reason `NOT_PERMITTED` and the missing scope.',
    remedy: 'Ask an administrator to make the change, or for the scope.',
  },
  STALE_ETAG: {
    code: 'ABORTED',
    text: '{resource} {whyStale}; read it again, and try again',
    cause: "The request has an `etag` that isn't the resource's present one: of an older version, of another resource, or from before a restore. The detail `google.rpc.ErrorInfo` has the reason `STALE_ETAG`.",
    remedy: 'Read the resource, apply the change to what it is now, and send the new `etag`.',
  },
  OTHERS_WON: {
    code: 'ABORTED',
    text: 'other calls kept changing the same resources; nothing was done, so try again',
    cause: 'Concurrent transactions changed the same rows at each attempt of the server.',
    remedy: 'Call again, after a pause.',
  },
  TOO_MANY_READS: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'too many lists and other long reads run at the same time; try again after a pause',
    cause: 'So many lists and other reads of many rows run and wait at the instance that there is no room for another one.',
    remedy: 'Call again after a pause, with fewer such calls at once. The operator starts more instances if it recurs.',
  },
});
