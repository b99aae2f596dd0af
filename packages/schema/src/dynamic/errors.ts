import { defineErrors } from '@rondo/rpc/status';

/** The errors of a client without stubs. */
export const dynamicErrors = defineErrors('the client', {
  UNKNOWN_SERVICE: {
    code: 'UNIMPLEMENTED',
    text: 'there is no contract of a service "{name}". {knownServices}',
    cause: 'The `.proto` files or the servers that were asked have no service of that name.',
    remedy: 'Correct the name; the text lists those there are.',
  },
  SEVERAL_SERVICES: {
    code: 'INVALID_ARGUMENT',
    text: '"{name}" may be any of {candidates}: write more of the name',
    cause: 'A short name fits several services.',
    remedy: 'Write the package before the name.',
  },
  UNREADABLE_FILES: {
    code: 'INVALID_ARGUMENT',
    text: "{files} can't be read: {reason}; name files of proto3, and in includeDirs the folders of their imports",
    cause: 'A `.proto` file, or one that it imports, is missing or invalid.',
    remedy: 'Correct the path or the file that the text names; add the folder of the import to `includeDirs`.',
  },
  NONE_SERVING: {
    code: 'UNAVAILABLE',
    text: 'no instance of {service} is serving; start one, or wait for it',
    cause: 'The registry knows the service, but no instance of it is ready to be asked for its contract.',
    remedy: 'Start an instance, or wait until one is serving: `rondo ps`.',
    effect: 'none',
  },
  NO_LIST: {
    code: 'UNAVAILABLE',
    text: "the services that there are can't be looked up: {reason}",
    cause: "The registry, or the channel's other source of addresses, doesn't answer a dynamic client.",
    remedy: 'Follow the reason in the text; `rondo doctor` checks the registry.',
    effect: 'none',
  },
  LEARNT_TOO_LATE: {
    code: 'DEADLINE_EXCEEDED',
    text: "the contract of {service} wasn't learnt before the deadline",
    cause: 'The deadline passed while a dynamic client asked for the contract of the service.',
    remedy: 'Give the first call more time, or give the client the `.proto` files.',
    effect: 'none',
  },
  CANCELLED: {
    code: 'CANCELLED',
    text: 'cancelled while the contract was learnt',
    cause: "The call's signal aborted while a dynamic client asked for the contract.",
    remedy: 'None, if the cancellation was meant.',
    effect: 'none',
  },
  REPLIES_STREAM: {
    code: 'INVALID_ARGUMENT',
    text: '{method} answers with a stream: read it with stream(), which yields its replies',
    cause: '`call()` of a dynamic client was used on a method that returns a stream.',
    remedy: 'Use `stream()`.',
  },
  REQUESTS_STREAM: {
    code: 'INVALID_ARGUMENT',
    text: '{method} takes a stream of requests: give an array, or another iterable or async iterable',
    cause: "A dynamic client's method that takes a stream got one object.",
    remedy: 'Give an array, or another iterable.',
  },
  NO_REPLY: {
    code: 'INVALID_ARGUMENT',
    text: '{method} ended without a reply',
    cause: 'A method of one reply ended without one. Only a server that breaks its contract does so.',
    remedy: 'Correct the server: it must reply or fail.',
    effect: 'possible',
  },
  NO_JSON: {
    field: '{field}',
    text: 'must be JSON, a bigint, a Uint8Array or a Date, not {type}',
    cause: 'A request of a dynamic client has a value that has no JSON, such as a function.',
    remedy: 'Correct the field that the text names.',
  },
  TOO_DEEP: {
    field: '{field}',
    text: 'is nested more than {maxDepth} deep',
    cause: 'A request of a dynamic client is nested too deeply, or contains itself.',
    remedy: 'Send less at a time.',
  },
  INVALID_DATE: {
    field: '{field}',
    text: 'must be a valid Date',
    cause: 'A request of a dynamic client has an invalid `Date`.',
    remedy: 'Correct the field that the text names.',
  },
});
