import { defineErrors } from '../status/define-errors.js';
import { MissingPolicy, TransportError } from '../status/wire-errors.js';

/** The errors of calls that the client itself ends, or can't make. */
export const clientErrors = defineErrors('the client', {
  // The call, and its options.
  CANCELLED: {
    code: 'CANCELLED',
    text: 'the caller cancelled the call',
    cause: 'The caller cancelled: by its `signal`, by leaving the loop over a stream, or because the call that it serves was itself cancelled.',
    remedy: 'None, if the cancellation was meant. Otherwise find what aborts the signal; `error.cause` has its reason.',
  },
  TOO_LATE: {
    code: 'DEADLINE_EXCEEDED',
    text: 'no outcome within the {allowed} ms {limitAndRemedy}',
    cause: "The call's time is over: the caller's `timeoutMs` or `deadline`, the method's default, or what was left to the call that made it. In parentheses stands what the call was waiting for; if that is an instance, the text begins with it.",
    remedy: "Look at the attempts in the error's report. Give the call more time, ask for less, or add instances. Decision 0032 has the defaults.",
  },
  IN_TRANSACTION: {
    code: 'INVALID_ARGUMENT',
    text: 'the transaction of a call with an idempotency key calls no other service, as its locks would wait for the answer; make this call before the transaction',
    cause: "A handler whose contract has idempotency keys makes a call inside its writing transaction. A repetition couldn't tell whether that call had effects.",
    remedy: 'Make the call before or after the transaction, or give it to a saga.',
  },
  INVALID_TIME: {
    code: 'INVALID_ARGUMENT',
    text: 'timeoutMs must be a number, and deadline a valid date',
    cause: 'The option `timeoutMs` or `deadline` is no number or no date.',
    remedy: 'Correct the option.',
  },
  UNKNOWN_COMPRESSION: {
    code: 'INVALID_ARGUMENT',
    text: 'compression must be {compressions}, and is "{compression}"',
    cause: 'The option `compression` has another value than those the text lists.',
    remedy: 'Correct the option.',
  },
  TIMED_STREAM: {
    code: 'INVALID_ARGUMENT',
    text: 'onTiming is given, and the method streams; it is for methods with one request and one reply',
    cause: 'The option `onTiming` was given for a method that streams.',
    remedy: 'Leave the option out, or give it for methods with one request and one reply.',
  },
  INVALID_MAX_ATTEMPTS: {
    code: 'INVALID_ARGUMENT',
    text: 'maxAttempts is {maxAttempts}; it must be a whole number from 1 to {most}',
    cause: 'The option `maxAttempts` is out of its range.',
    remedy: 'Correct the option.',
  },
  INVALID_RESUME_FOR: {
    code: 'INVALID_ARGUMENT',
    text: 'resumeForMs is {resumeForMs}; it must be 0 or more milliseconds',
    cause: 'The option `resumeForMs` is negative or no number.',
    remedy: 'Give 0 to switch resumption off, or a number of milliseconds.',
  },
  POLICY_MISSING: {
    type: MissingPolicy,
    code: 'FAILED_PRECONDITION',
    text: "{option}: this needs the plugin @rondo/balancing: run `rondo add balancing`, which adds it to the dependencies and to runService's plugins; a channel of your own takes it as the option policies",
    cause: 'A contract or a setting names a balancing policy, a subset, a hedge, a breaker or a bulkhead of the plugin, and this process does not have it. A service that makes a client of such a contract at its start does not start.',
    remedy: 'Add the plugin by the command that the text names, or take the option out of the contract or the setting.',
    effect: 'none',
  },
  UNSENDABLE_METADATA: {
    code: 'INVALID_ARGUMENT',
    text: '{keyAndRule}',
    cause: "The call, or one that is passed on, has metadata that can't be sent, such as a key with capitals or a value with control characters.",
    remedy: 'Correct the key that the text names; put bytes under a key that ends in -bin.',
  },
  KEY_CANT_SIGN: {
    code: 'FAILED_PRECONDITION',
    text: "the key of this process is of type {type}, which can't sign on whose behalf it calls; use one of type EC (P-256, P-384, P-521), RSA or Ed25519",
    cause: 'The call has a principal, and the key of the certificate is of a type that signs no assertions.',
    remedy: 'Issue a certificate with a key that the text names.',
  },
  PRINCIPAL_TOO_LONG: {
    code: 'FAILED_PRECONDITION',
    text: 'what this process says of the principal takes {characters} characters, {most} at most; give the principal fewer scopes',
    cause: 'The scopes and the issuer of a principal are longer than servers read of an assertion.',
    remedy: 'Have the issuer of its credentials give it fewer scopes, or shorter ones.',
  },

  // Messages.
  NO_MESSAGE: {
    code: 'INVALID_ARGUMENT',
    text: 'the request must be an object, not {request}',
    cause: 'The client method was called with something that is no message.',
    remedy: 'Give the method an object with the fields of the request; TypeScript shows them.',
  },
  UNENCODABLE_REQUEST: {
    code: 'INVALID_ARGUMENT',
    text: "the request can't be encoded: {reason}",
    cause: "A field of the request has a value that its type in the contract can't have, such as a string in place of a number.",
    remedy: 'Correct the field that the text names.',
  },
  REQUESTS_FAILED: {
    code: 'CANCELLED',
    text: 'the request stream failed: {reason}',
    cause: 'The iterable of requests that the caller gave threw an error, so that the call was cancelled.',
    remedy: 'Correct what the iterable throws; it is `error.cause`.',
  },
  FOREIGN_REPLY: {
    code: 'INTERNAL',
    text: 'the reply of {path} is not of the type in its contract; generate both sides from one contract',
    cause: "The server's reply doesn't decode as the type in the client's contract, so that the two have different contracts.",
    remedy: "Generate both sides from the same contract; `rondo describe` shows the server's.",
  },
  UNREADABLE_REPLY: {
    code: 'INTERNAL',
    text: 'a message of the reply can not be read: it is compressed in a way that its header does not name, or that is not supported',
    cause: 'The server compresses its messages in a way other than the one it announces, or than gzip.',
    remedy: 'Correct the server or the proxy in between.',
  },
  REPLY_TOO_LONG: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'Received message larger than max ({bytes} vs {maxBytes}); ask for less at a time, by pages or a stream',
    cause: 'A message is larger than one may be, 4 MiB.',
    remedy: 'Send less at a time: use pages, or a stream.',
    effect: 'possible',
  },
  NO_REPLY: {
    code: 'UNIMPLEMENTED',
    text: 'the server ended the call without a reply',
    cause: 'The server ended a call of one reply with OK, and sent none.',
    remedy: 'Correct the server: it must reply or fail.',
    effect: 'possible',
  },
  SECOND_REPLY: {
    code: 'UNIMPLEMENTED',
    text: 'the server sent a second reply to a method that has one',
    cause: 'The server sent two replies in a call of one.',
    remedy: "Compare both sides' contracts: the server's method may return a stream.",
    effect: 'possible',
  },

  // Operations.
  OPERATION_NAME: {
    field: 'name',
    text: 'is "{name}"; give operations/SERVICE/ID, as a method that starts an operation answers it',
    cause: 'A call of `google.longrunning.Operations` names no operation of a Rondo service, so that no service can be asked.',
    remedy: 'Pass on the `name` of the operation as it is. At a server of another project, name a service of it in the option `at`.',
  },
  OPERATION_FILTER: {
    field: 'filter',
    text: 'is "{filter}"; say whose operations to list: service = "sales.v1.OrderService"',
    cause: '`ListOperations` was called without the service: each service has its own operations.',
    remedy: 'Name the service in the filter, as the text shows.',
  },
  OPERATION_GOES_ON: {
    code: 'DEADLINE_EXCEEDED',
    text: '{name} has not ended within {timeoutMs} ms, and goes on; wait again, or for longer by timeoutMs',
    cause: 'An operation takes longer than `waitFor` may wait.',
    remedy: 'Wait again: the name of the operation is enough. Give `timeoutMs`, or wait less often by a stored name.',
    effect: 'none',
  },
  OTHER_OUTCOME: {
    code: 'INTERNAL',
    text: '{name} ended with {found}, and the method that is given promises {wanted}; give waitFor the method that started it',
    cause: '`waitFor` was called with another method than the one that started the operation, or its contract has changed since.',
    remedy: 'Give the method whose answer the operation is.',
    effect: 'none',
  },

  // Instances.
  CHANNEL_CLOSED: {
    code: 'UNAVAILABLE',
    text: 'the channel is closed; make calls before close()',
    cause: 'The call was made, or waited for an instance, when the channel was closed.',
    remedy: 'Make calls before `channel.close()`, and await those that run.',
    effect: 'none',
  },
  NONE_REGISTERED: {
    code: 'UNAVAILABLE',
    text: "no instance of {service} is registered with {source}; start one, or check the service's name",
    cause: 'The registry, DNS or the list of addresses names no instance of the service.',
    remedy: "Start an instance, or correct the service's name. `waitForReady` makes calls wait until their deadline.",
    effect: 'none',
  },
  NONE_KNOWN: {
    code: 'UNAVAILABLE',
    text: "no instance of {service} is known, as {source} can't be reached ({failure}); {remedy}",
    cause: "The registry, or the channel's other source of addresses, can't be reached.",
    remedy: 'Bring back the source that the text names. `waitForReady` makes calls wait until their deadline.',
    effect: 'none',
  },
  NONE_CAN_TAKE: {
    code: 'UNAVAILABLE',
    text: 'no instance of {service} can take the call: {reasons}',
    cause: "Instances are known, but each was tried, can't be reached, is ejected or draining, has too many calls, or is of another version than the call asks for. The text has the reason of each.",
    remedy: 'Follow the reasons in the text. `rondo ps` and `rondo pick` show the same from outside; `waitForReady` makes calls wait until their deadline.',
  },
  INSTANCE_UNKNOWN: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: 'no instance of {service} named {instance} is known; it may have left: rondo ps lists those there are',
    cause: "The call names one instance, and that one isn't known.",
    remedy: 'Look for the instance with `rondo ps`. Leave the option `instance` out if any other may answer.',
    effect: 'none',
  },
  INSTANCE_CANT_TAKE: {
    type: TransportError,
    code: 'UNAVAILABLE',
    text: "{instance} can't take the call: {reason}",
    cause: 'The call names one instance, and that one is draining, or has no connection.',
    remedy: 'Look for the instance with `rondo ps`. Leave the option `instance` out if any other may answer.',
    effect: 'none',
  },
});
