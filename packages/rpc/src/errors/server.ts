import { defineErrors } from '../status/define-errors.js';
import { CallRefused, RouterError, ShuttingDown } from '../status/wire-errors.js';

/** The errors of calls that a server doesn't hand to a handler, or whose handler fails. */
export const serverErrors = defineErrors('the server', {
  // The request, as bytes.
  INVALID_TIMEOUT: {
    code: 'INTERNAL',
    text: 'the grpc-timeout "{timeout}" is not valid; send at most 8 digits and one of H, M, S, m, u and n',
    cause: "A client gave its call a deadline that isn't written as gRPC's are.",
    remedy: 'Correct the client. A timeout is a whole number of at most 8 digits, and its unit: H, M, S, m, u or n.',
    effect: 'none',
  },
  /** Source of the code: https://github.com/grpc/grpc-go/blob/master/internal/transport/http2_server.go */
  METADATA_NOT_BASE64: {
    code: 'INTERNAL',
    text: 'the metadata "{key}" is not base64; encode its bytes',
    cause: "A client sent metadata whose key ends in -bin, and whose value isn't base64.",
    remedy: 'Encode the value in base64.',
    effect: 'none',
  },
  UNKNOWN_ENCODING: {
    code: 'UNIMPLEMENTED',
    text: 'the grpc-encoding "{encoding}" is not supported; send gzip, deflate or identity',
    cause: "A client compresses its request in a way that Rondo's servers don't support.",
    remedy: 'Compress by gzip or deflate, or not at all.',
  },
  NO_ENCODING: {
    code: 'INTERNAL',
    text: 'a message is marked as compressed, but the headers of the call name no encoding; name it there',
    cause: "A client marked its request as compressed, and didn't say how.",
    remedy: "Send the header grpc-encoding with gzip or deflate, or don't compress.",
    effect: 'none',
  },
  UNKNOWN_FLAG: {
    code: 'INTERNAL',
    text: 'a message begins with the byte {flag}; send 0, or 1 if it is compressed',
    cause: "What a client sent isn't framed as gRPC is.",
    remedy: 'Correct the client: a length-prefixed message begins with a byte of 0, or of 1 if it is compressed.',
    effect: 'none',
  },
  NO_REQUEST: {
    code: 'UNIMPLEMENTED',
    text: 'the request has no message; this method takes one',
    cause: 'A client called a unary method without a message.',
    remedy: 'Send one message. An empty one has five zero bytes.',
  },
  SECOND_REQUEST: {
    code: 'UNIMPLEMENTED',
    text: 'the request has a second message; this method takes one',
    cause: 'A client sent several messages to a method that takes one.',
    remedy: "Compare the client's contract with the server's: `rondo describe`.",
  },
  REQUEST_CUT_OFF: {
    code: 'INTERNAL',
    text: 'the request ends inside a message; send as many bytes as its prefix declares',
    cause: 'A client ended its request in the middle of a message. Only a broken client does so.',
    remedy: "Correct the client's framing: a length-prefixed message must be as long as its prefix says.",
    effect: 'none',
  },
  REQUESTS_CUT_OFF: {
    code: 'INTERNAL',
    text: 'the requests end inside a message; send as many bytes as its prefix declares',
    cause: 'A client ended its stream of requests in the middle of a message. Only a broken client does so.',
    remedy: "Correct the client's framing: a length-prefixed message must be as long as its prefix says.",
  },
  REQUEST_TOO_LONG: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'Received message larger than max ({bytes} vs {maxBytes}); send less at a time, by pages or a stream',
    cause: 'A message is larger than one may be, 4 MiB by default.',
    remedy: "Send less at a time: use pages, or a stream. Or raise the server's `maxRequestBytes`.",
  },
  INFLATED_REQUEST_TOO_LONG: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the request decompresses to more than {maxBytes} bytes; send less at a time',
    cause: 'A compressed request is longer than the server reads, once it is decompressed: 4 MiB by default.',
    remedy: "Send less at a time: use pages, or a stream. Or raise the server's `maxRequestBytes`.",
  },
  UNREADABLE_REQUEST: {
    code: 'INTERNAL',
    text: 'the request can not be decompressed as {encoding}; send all of it, in that encoding',
    cause: "A client's request isn't compressed as its header grpc-encoding says, or was cut off before it was framed.",
    remedy: 'Correct the client, or the proxy that compresses its requests.',
    effect: 'none',
  },
  REQUEST_TOO_SLOW: {
    code: 'DEADLINE_EXCEEDED',
    text: "the request didn't come whole in {maxMinutes} minutes; send it at once",
    cause: "A client began a call without a deadline, or with a long one, and its request didn't come whole in five minutes.",
    remedy: "Look at the client's network. Set a deadline in the client.",
    effect: 'none',
  },
  TOO_MUCH_AT_ONCE: {
    type: RouterError,
    code: 'RESOURCE_EXHAUSTED',
    text: "the requests of this client that haven't come whole, and its assertions, have more than their share, {most} bytes at most; send fewer at once",
    cause: 'A client sends so many large requests, or assertions, at once that they take half of what others leave free of the memory for requests.',
    remedy: 'Send fewer at once.',
  },
  TOO_MANY_OPEN: {
    type: RouterError,
    code: 'RESOURCE_EXHAUSTED',
    text: 'this client has more than its share of the open calls of this instance, {most} at most; end some, or call another instance',
    cause: 'A client has so many calls and streams open at once that they are half of what others leave free. Metadata and a request of more than 8 KiB count, too.',
    remedy: 'End streams that are no longer read, send less with each call, or add instances.',
  },
  UNREADABLE_FRAMES: {
    code: 'INVALID_ARGUMENT',
    text: "the frames of this client can't be read: {reason}",
    cause: 'What a client sent on a connection of frames is not what `rondo/frames/v1/frames.proto` says.',
    remedy: 'Correct the client, or let it call by gRPC.',
  },
  UNREAD_REPLIES: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the client leaves {bytes} bytes of replies unread',
    cause: 'A client makes calls by frames, and does not read their replies.',
    remedy: "Look at the client: its process is frozen, or its event loop is busy. Rondo's clients connect again.",
  },
  TOO_MANY_CANCELLED: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'the client has cancelled more than {most} calls a second',
    cause: 'A client begins calls by frames, and cancels them before they are answered: each costs the server a handler.',
    remedy: 'Make fewer calls, or give them more time: a client also cancels a call whose deadline has passed.',
  },

  // The method, and its contract.
  NOT_SERVED: {
    type: RouterError,
    code: 'UNIMPLEMENTED',
    text: "this server doesn't implement {path}; list its services by reflection",
    cause: "The server doesn't have the method: the address is another service's, or the client's contract is newer.",
    remedy: 'Check the address and the version of the instance: `rondo ps`, `rondo describe`.',
  },
  OTHER_SHAPE: {
    type: RouterError,
    code: 'UNIMPLEMENTED',
    text: "this call doesn't stream as {path} does: call it by the contract of the server",
    cause: 'A method that streams was called by a client whose contract says otherwise.',
    remedy: 'Call it with the contract of the server: `rondo describe`.',
  },
  UNWRITTEN: {
    code: 'UNIMPLEMENTED',
    text: "{path} isn't written yet: its handler belongs in {file}",
    cause: "The method is in the contract, and the generated handler hasn't been replaced yet.",
    remedy: 'Write the handler in the file that the text names.',
  },
  FOREIGN_REQUEST: {
    code: 'INVALID_ARGUMENT',
    text: 'the request of {path} is not of the type in its contract: {reason}',
    cause: "The request doesn't decode as the type in the server's contract. The two ends may have different contracts, or the request has messages in each other to a depth of more than 100.",
    remedy: "Generate both sides from the same contract; `rondo describe` shows the server's.",
    effect: 'possible',
  },
  INVALID_FIELDS: {
    code: 'INVALID_ARGUMENT',
    text: '{fieldsWithTheirRules}',
    cause: "Fields of the request break rules of the service or of its contract (`buf.validate`), are unknown, or have values that their types can't have. The text and the detail `google.rpc.BadRequest` list each field with its rule.",
    remedy: 'Correct the fields that are named; `rondo describe` shows the rules. `error.detail(BadRequest)` has them for programs.',
  },

  // The caller.
  AUTH_RULE_MISSING: {
    domain: 'rondo',
    code: 'PERMISSION_DENIED',
    text: '{method} has no auth in its contract, so that no caller may call it while RONDO_AUTH=on; add auth { public, scopes or callers } to its (rondo.options.v1.method)',
    cause: "Security is on, and the contract of the method doesn't say who may call it.",
    remedy: 'Give the method an `auth` in its contract: public, scopes or callers. The guide is docs/guides/security.md.',
  },
  AUTH_CALLER_REFUSED: {
    domain: 'rondo',
    code: 'PERMISSION_DENIED',
    text: '{caller} may not call {method}, which is for {callers}; call with a certificate of those, or add the process to callers in the contract',
    cause: "The process isn't among the `callers` of the method, or has no certificate.",
    remedy: 'Call with the certificate of a process that the text names, or add the process to `callers` in the contract.',
  },
  AUTH_PRINCIPAL_MISSING: {
    domain: 'rondo',
    code: 'UNAUTHENTICATED',
    text: '{method} needs the scope {scopes}, and the call has no credentials; send those of a person or program that has it',
    cause: 'The method is for people or programs with certain scopes, and the call came without credentials of one.',
    remedy: 'Send credentials, such as a token in `authorization`. A service passes those of its own caller on by itself, if it calls with mutual TLS inside of the handler.',
  },
  AUTH_SCOPE_MISSING: {
    domain: 'rondo',
    code: 'PERMISSION_DENIED',
    text: '{subject} lacks the scope {scope}, which {method} needs; get credentials with it',
    cause: "The credentials of the call don't allow what the method does.",
    remedy: 'Ask the issuer for credentials with the scope that the text names.',
  },
  AUTH_CREDENTIALS_EXPIRED: {
    domain: 'rondo',
    code: 'UNAUTHENTICATED',
    text: 'the credentials of {subject} expired at {time}; get new ones and call again, a watch with its last resume token',
    cause: 'A stream has outlived the token or API key with which it began.',
    remedy: 'Get new credentials and call again. A watch goes on after its last resume token.',
    effect: 'possible',
  },
  AUTH_ASSERTION_INVALID: {
    domain: 'rondo',
    code: 'UNAUTHENTICATED',
    text: 'the assertion of {process} about its caller is refused: {reason}',
    cause: "The process says on whose behalf it calls, and what it says can't be verified: it was signed by another process, for another one, or too long ago.",
    remedy: "Compare the clocks of the two machines. Don't copy the metadata `rondo-principal` from one call to another: Rondo's clients write it.",
  },
  ASSERTION_KEY_CHANGED: {
    type: CallRefused,
    code: 'UNAVAILABLE',
    text: '{caller} has signed the call with another key; make it again',
    cause: 'The certificate of the calling process changed while its connection was made anew, and the call was signed before.',
    remedy: 'None: the client makes the call again, and signs it anew.',
    effect: 'none',
  },

  // Calls with an idempotency key.
  INVALID_KEY: {
    field: '{key}',
    text: 'must be 1 to 128 visible characters of ASCII, such as a UUID',
    cause: "The idempotency key of the request isn't well formed.",
    remedy: 'Send a UUID, or no key: a Rondo client makes one.',
  },
  KEY_REUSED: {
    code: 'ALREADY_EXISTS',
    text: '{key} {value} was used for another request; make a new UUID for each new request',
    cause: 'An idempotency key came again with another request.',
    remedy: 'Make a new UUID for each new request; repeat it only with the same one.',
  },
  DATABASE_AWAY: {
    code: 'UNAVAILABLE',
    text: 'the database is unavailable; try again later',
    cause: "The handler can't reach its database, or gets no answer in time.",
    remedy: 'Call again later. The operator looks at the database: `rondo doctor`.',
  },
  DATABASE_UNSURE: {
    code: 'UNAVAILABLE',
    text: 'the connection to the database broke during a commit, and its outcome is unknown; read what the call changes before you repeat it',
    cause: 'The connection of the handler to its database broke during a commit.',
    remedy: 'Read what the call changes before you repeat it.',
  },
  DATABASE_BUSY: {
    code: 'ABORTED',
    text: 'other work kept changing or locking the same rows of the database; try again',
    cause: 'Concurrent transactions changed or locked the same rows at each attempt of the handler.',
    remedy: 'Call again, after a pause.',
  },
  KEY_NOT_LOOKED_UP: {
    code: 'UNAVAILABLE',
    text: 'whether this is a repetition could not be looked up; try again with the same key',
    cause: 'The call failed, and the database with the outcomes of earlier calls did not answer.',
    remedy: 'Call again with the same idempotency key.',
  },

  // The instance.
  OVERLOADED: {
    type: CallRefused,
    code: 'RESOURCE_EXHAUSTED',
    text: '{whatIsOverloadedAndItsLimit}; call again in {milliseconds} ms, or {remedy}',
    cause: 'The instance has more to do than it can in time, so it refuses a part of the calls, those of low priority first; or a bound in `RONDO_MAX_CALLS` is reached. The text names the limit.',
    remedy: 'Add instances, or make the handlers faster. Give a method that matters more or less than others a `priority` in its contract. Raise a bound that is too low. The guide is docs/guides/failures.md#overload.',
  },
  STOPPING: {
    type: ShuttingDown,
    code: 'UNAVAILABLE',
    text: 'this instance is shutting down; call again to reach another',
    cause: 'The instance is stopping. It ends streams without an end of their own at once, and other calls when its time for them, RONDO_DRAIN_GRACE_MS, is over.',
    remedy: 'None for safe and idempotent methods, which the client retries, and for streams that it resumes. Otherwise read the state before you repeat the call.',
  },
  HANDLER_FAILED: {
    code: 'INTERNAL',
    text: 'internal error; the log of the service has it: rondo logs --trace {traceId}',
    cause: 'The handler threw an error that is no `RpcError`, or one of a call that it made, of which the caller can do nothing.',
    remedy: "Look in the service's log with the command in the text. The handler should throw an `RpcError` for whatever its callers can act on.",
  },
  UNSENDABLE_ERROR: {
    type: RouterError,
    code: 'INTERNAL',
    text: 'internal error; the log of the service has it: rondo logs --trace {traceId}',
    cause: "The metadata of an error, one of its details, or its pushback, can't be sent; the log says which.",
    remedy: "Correct the handler's trailing metadata; make details by `packDetail`.",
  },
  UNSENDABLE_REPLY: {
    code: 'INTERNAL',
    text: 'internal error: the reply cannot be sent; the log of the service says why',
    cause: "The handler's reply, or its metadata, can't be encoded as the contract says.",
    remedy: "Look for the method in the service's log, and correct the handler.",
  },
  SERVER_FAILED: {
    code: 'INTERNAL',
    text: 'internal error',
    cause: 'A fault of the server outside of the handler.',
    remedy: "Look in the service's log.",
  },
});
