import { defineErrors } from '@rondo/rpc/status';
import { BodyError } from './listener/exchange.js';

/** What the gateway itself answers. An error that a service answers passes through it. */
export const gatewayErrors = defineErrors('the gateway', {
  // The request as such.
  OTHER_HOST: {
    code: 'INVALID_ARGUMENT',
    text: "the request names {host}, which this gateway doesn't serve; add it to RONDO_GATEWAY_HOSTS if it should",
    cause: "The request's `Host` or `:authority` isn't one of the gateway's.",
    remedy: 'Call the gateway by one of its names, or add the name to RONDO_GATEWAY_HOSTS.',
  },
  OTHER_ORIGIN: {
    code: 'PERMISSION_DENIED',
    text: 'pages of {origin} may not call this gateway; add the origin to RONDO_GATEWAY_CORS_ORIGINS if they should',
    cause: "A browser's page of an origin that isn't allowed calls the gateway.",
    remedy: 'Add the origin to RONDO_GATEWAY_CORS_ORIGINS.',
  },
  INSTANCE_REFUSES: {
    code: 'NOT_FOUND',
    text: '{instanceId} refuses it: {reason}',
    cause: 'The console asks an instance to resolve a job or an event, and the instance says why it may not be. The code is that of the instance.',
    remedy: 'Do what the reason says.',
  },
  TOO_MANY_REQUESTS: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'too many requests; send the next in {resetSeconds} s',
    cause: 'The client has used its quota of requests. `RateLimit`, `Retry-After` and the detail `google.rpc.RetryInfo` tell when there is more.',
    remedy: 'Wait as long as the text says.',
  },
  NO_METHOD: {
    code: 'UNIMPLEMENTED',
    text: 'there is no public method {path}',
    cause: "The path is of no method, or of one that isn't public.",
    remedy: "Correct the path; the gateway's OpenAPI document lists the public methods.",
  },

  // Headers and the query.
  INVALID_TIMEOUT: {
    field: '{header}',
    text: 'is {value}; {rule}',
    cause: "The header `Grpc-Timeout` or `Connect-Timeout-Ms`, with the request's deadline, can't be read.",
    remedy: 'Write it as the text says.',
  },
  INVALID_IF_MATCH: {
    field: 'If-Match',
    text: 'is {etag}; send one strong entity tag in quotation marks, as the ETag of a reply, or *',
    cause: 'The header `If-Match` has several etags, a weak one, or none.',
    remedy: 'Write the header as the text says.',
  },
  OTHER_CONNECT_VERSION: {
    code: 'INVALID_ARGUMENT',
    text: 'connect-protocol-version: the only version is 1; send 1 or leave it out',
    cause: 'The header `connect-protocol-version` has another version than 1.',
    remedy: 'Send 1, or leave it out.',
  },
  OTHER_CONNECT_PARAMETER: {
    code: 'INVALID_ARGUMENT',
    text: 'connect: the only version is v1; send connect=v1 or leave it out',
    cause: "The query's `connect` has another version than v1.",
    remedy: 'Send connect=v1, or leave it out.',
  },
  MESSAGE_NOT_BASE64: {
    code: 'INVALID_ARGUMENT',
    text: 'message: with base64=1 it must be base64; use the alphabet for URLs',
    cause: "The query's `message` of a Connect GET isn't base64.",
    remedy: 'Encode it in base64 with the alphabet for URLs.',
  },
  HEADER_NOT_BASE64: {
    code: 'INVALID_ARGUMENT',
    text: 'header {key}: its value must be base64',
    cause: "A header whose name ends in -bin isn't base64.",
    remedy: 'Encode its value in base64.',
  },
  TOO_MUCH_METADATA: {
    code: 'INVALID_ARGUMENT',
    text: "the request's headers hold {count} entries of metadata with {sizeBytes} bytes; {maxEntries} entries and {maxBytes} bytes are the most; send the rest in the message",
    cause: 'The request has more metadata than services accept.',
    remedy: 'Send the rest in the message.',
  },
  QUERY_NOT_UTF8: {
    field: '{field}',
    text: 'is not UTF-8; encode it so, and then escape its bytes',
    cause: "The query has escaped bytes that aren't UTF-8.",
    remedy: 'Encode the parameter in UTF-8 before its bytes are escaped, as encodeURIComponent does.',
  },
  QUERY_OF_STREAM: {
    field: 'the query',
    text: 'has no effect on this method, whose messages are the lines of the body; leave it out',
    cause: 'A method that takes a stream was called with a query string.',
    remedy: 'Send all fields in the lines of the body.',
  },

  // The body as JSON. The HTTP statuses are those of http-json/.
  OTHER_CONTENT_TYPE: {
    code: 'INVALID_ARGUMENT',
    text: 'the Content-Type is {type}; this method takes {taken}',
    cause: "The body is of a type that the method doesn't take. HTTP 415.",
    remedy: 'Send one of the types that the text names.',
  },
  OTHER_CONTENT_ENCODING: {
    code: 'INVALID_ARGUMENT',
    text: 'the Content-Encoding is {encoding}; this method takes {accepted}',
    cause: "The body is compressed in a way that the gateway doesn't read. HTTP 415.",
    remedy: 'Send gzip, or no compression.',
  },
  BODY_NOT_GZIP: {
    field: 'the body',
    text: 'is not gzip, as its Content-Encoding says; compress it, or leave the header out',
    cause: "The request has `Content-Encoding: gzip`, and its body isn't gzip.",
    remedy: 'Compress the body, or leave the header out.',
  },
  BODY_NOT_UTF8: {
    field: 'the body',
    text: 'is not UTF-8, which JSON is encoded in; encode it so',
    cause: "The body has bytes that aren't UTF-8.",
    remedy: 'Encode the JSON in UTF-8.',
  },
  BODY_NOT_JSON: {
    field: 'the body',
    text: '{faultAndPosition}',
    cause: 'The body is no JSON.',
    remedy: 'Correct the JSON at the position that the text names.',
  },
  TOO_MANY_VALUES: {
    field: 'the body',
    text: '{whatIsTooMuch}; send less',
    cause: 'The body has more values, or is nested deeper, than the gateway reads.',
    remedy: 'Send less at a time.',
  },
  WORKER_OF_SERVICE: {
    code: 'PERMISSION_DENIED',
    text: 'the answer of a service may not be a service worker; serve the script at an address of its own',
    cause: "A page registers a method's answer as a service worker, which could then answer for all pages at the gateway's address. HTTP 403.",
    remedy: 'Serve the page and its worker at another address.',
  },
  TOO_MANY_PATHS: {
    field: 'the body',
    text: 'names too many nested fields; send {mask}',
    cause: 'A PATCH without updateMask names so many fields of nested messages that their paths exceed 64 KiB. HTTP 400.',
    remedy: 'Send the mask in the query, such as ?updateMask=title.',
  },
  INVALID_LINE: {
    field: 'line {number}',
    text: '{fault}',
    cause: "A line of a streamed body isn't the JSON of its message.",
    remedy: 'Correct the line that the text names.',
  },
  REPLY_BEYOND_NUMBERS: {
    code: 'OUT_OF_RANGE',
    text: "the reply's {fieldAndRule}",
    cause: 'The contract says `int64_as_number` for the method, and the reply has an integer beyond ±2^53. Such a request is `INVALID_ARGUMENT`.',
    remedy: 'Call the method by gRPC. If such values occur, take the option out of the contract.',
  },

  // Tools for agents.
  NO_OPERATIONS: {
    code: 'NOT_FOUND',
    text: 'no public service {service} has operations',
    cause: 'A client asks for an operation of a service that is unknown or internal, or that starts operations by an internal method, too.',
    remedy: 'Pass on the name of the operation as it is. A service whose operations outsiders may see has only public methods that start some.',
  },
  NO_TOOL_KEY: {
    field: '{argument}',
    text: 'is missing: make a new value for each intention, and send the same value when you repeat the call',
    cause: 'An agent calls a tool without the idempotency key that its method has. Nothing was done.',
    remedy: 'Give the argument that the text names: a random UUID, the same for each repetition of a call.',
  },
  ONLY_POST: {
    code: 'UNIMPLEMENTED',
    text: 'this path takes POST; each request is answered by itself, and nothing is kept between two',
    cause: 'A request to `/mcp` has another HTTP method than POST, such as one that opens or ends a session. HTTP 405.',
    remedy: 'Send requests by POST, without a session.',
  },
  SEVERAL_REQUESTS: {
    field: 'the body',
    text: 'has several requests; send each by itself',
    cause: 'The body of a request to `/mcp` is a list of requests. HTTP 400.',
    remedy: 'Send each request by itself, as the protocol demands since its version 2025-06-18.',
  },
  NO_AGENT_CREDENTIALS: {
    code: 'UNAUTHENTICATED',
    text: 'tools are for callers with credentials; send a token or an API key',
    cause: "A request to `/mcp` has no credentials, and the gateway verifies some. HTTP 401; `WWW-Authenticate` names the issuers' metadata.",
    remedy: 'Send `authorization: Bearer <token or key>`.',
  },

  // The body as bytes.
  BODY_TOO_LARGE: {
    type: BodyError,
    code: 'RESOURCE_EXHAUSTED',
    text: 'the body has more than {maxBytes} bytes: send less',
    cause: 'The body is larger than a message may be, perhaps once it is decompressed. HTTP 413.',
    remedy: 'Send less at a time.',
  },
  LINE_TOO_LARGE: {
    type: BodyError,
    code: 'RESOURCE_EXHAUSTED',
    text: 'a line of the body exceeds {maxBytes} bytes: send less in one',
    cause: 'A line of a streamed body is larger than a message may be. HTTP 413.',
    remedy: 'Send less in one line.',
    effect: 'possible',
  },
  BODY_TOO_SLOW: {
    type: BodyError,
    code: 'DEADLINE_EXCEEDED',
    text: 'the body arrives too slowly: send at least {bytes} bytes a second',
    cause: 'The client took too long over the body. HTTP 408.',
    remedy: 'Send the body faster.',
    effect: 'none',
  },
  TOO_MUCH_UNFINISHED: {
    type: BodyError,
    code: 'UNAVAILABLE',
    text: 'the gateway waits for the rest of too many requests: send it again soon',
    cause: 'The gateway holds as many bytes of unfinished requests as it may. HTTP 503.',
    remedy: 'Send the request again soon.',
    effect: 'none',
  },
  BODY_BROKEN_OFF: {
    type: BodyError,
    code: 'CANCELLED',
    text: 'the client broke the body off',
    cause: 'The client left before the end of its request. It stands only in the log.',
    remedy: 'None.',
  },

  // The body as messages.
  UNKNOWN_ENCODING: {
    code: 'UNIMPLEMENTED',
    text: '{header}: "{value}" is not supported; send one of {accepted}',
    cause: "The request is compressed in a way that the gateway doesn't read.",
    remedy: 'Send gzip, or no compression.',
  },
  MESSAGE_NOT_GZIP: {
    code: 'INVALID_ARGUMENT',
    text: 'a message is marked as gzip, but it is not; compress it or say identity',
    cause: "A message is marked as gzip and isn't.",
    remedy: 'Compress the message, or clear its flag.',
  },
  MESSAGE_TOO_LARGE: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'a message of the request is larger than {maxBytes} bytes, the most that the gateway takes; send less at a time',
    cause: 'A message of the request is larger than the gateway takes.',
    remedy: 'Send less at a time.',
  },

  // The call.
  STOPPING: {
    code: 'UNAVAILABLE',
    text: 'this gateway is stopping; ask again, and another one answers',
    cause: 'The gateway is stopping.',
    remedy: 'Ask again; another gateway, or this one after its restart, answers.',
    effect: 'none',
  },
  TOO_LATE: {
    code: 'DEADLINE_EXCEEDED',
    text: 'no outcome within the {timeoutMs} ms that the client gave the call; allow it more time or ask for less',
    cause: 'The call took longer than the client allows.',
    remedy: 'Allow the call more time, or ask for less.',
  },
  NONE_RUNNING: {
    code: 'UNAVAILABLE',
    text: 'no instance of {service} is running',
    cause: 'The method is public, and no instance of its service runs.',
    remedy: 'Start an instance of the service, and call again.',
    effect: 'none',
  },
  CONTRACT_PENDING: {
    code: 'UNAVAILABLE',
    text: "the contract of {service} isn't known yet",
    cause: 'The method may be public, but no instance of its service has sent its contract yet.',
    remedy: "Call again soon. If it lasts, the log of the gateway says why it can't learn the contract.",
    effect: 'none',
  },
  CONTRACT_REFUSED: {
    code: 'UNIMPLEMENTED',
    text: 'the gateway has no contract of {service}: its servers have no reflection, or their contract is broken',
    cause: 'The gateway learns contracts by reflection. A server of another framework may have none; the log of the gateway has the reason.',
    remedy: 'Add grpc.reflection.v1 to the server. The gateway asks an instance once, so start it again.',
    effect: 'none',
  },
  CONTRACT_UNKNOWN: {
    code: 'UNAVAILABLE',
    text: 'the contract of the instance that answered is not known; try again',
    cause: 'An instance with a new contract answered before the gateway had read that contract.',
    remedy: 'Call again in a second.',
  },
  /** With the code of the error that it hides, and the trace id at the end of its text. */
  CALL_FAILED: {
    code: 'UNAVAILABLE',
    text: '{whatHappened}',
    cause:
      "The gateway's own client couldn't complete the call, or the gateway has a fault. The gateway replaces the text, which names instances and addresses, and keeps the code. The texts by code: no instance of the service is running; it can't be reached now, call again soon; the call was cancelled; the call took longer than it may; the call exceeds a limit; the service did not answer as its contract says; internal error.",
    remedy: 'Call again if the method is safe. Otherwise look for the trace id of the text in the logs: `rondo logs --trace ID`.',
  },
  FAILED: {
    code: 'INTERNAL',
    text: 'internal error',
    cause: 'A fault of the gateway. HTTP 500.',
    remedy: "Call again; the gateway's log has the fault.",
  },
});
