import { defineErrors } from '@rondo/rpc/status';

/** The errors of contracts that are learnt at run time. */
export const schemaErrors = defineErrors('the client', {
  NO_REFLECTION: {
    code: 'UNIMPLEMENTED',
    text: 'the server has no reflection (grpc.reflection.v1 or v1alpha), which rondo learns contracts from',
    cause: 'A dynamic call, or `rondo call`, asked a server that has no reflection.',
    remedy: 'Register grpc.reflection.v1 with the server, or give the `.proto` files.',
  },
  /** With the code that the server's reflection sent. */
  REFLECTION_REFUSED: {
    code: 'NOT_FOUND',
    text: 'reflection: {errorMessage}',
    cause: "The server's reflection refused a question. The code is the one that it sent.",
    remedy: 'Check the name that was asked for.',
  },
  CONTRACT_TOO_LARGE: {
    code: 'RESOURCE_EXHAUSTED',
    text: 'reflection: the files of {symbol} are larger than {maxBytes} bytes; use its .proto files',
    cause: 'The contract that the server describes is larger than the client accepts.',
    remedy: 'Give the `.proto` files of the service to the client.',
  },
  IMPORTS_MISSING: {
    code: 'INTERNAL',
    text: "reflection: {symbol} needs {missing}, which the server doesn't return; use its .proto files",
    cause: "The server's reflection doesn't return a file that the contract imports.",
    remedy: "Correct the server's reflection, or give the `.proto` files to the client.",
    effect: 'none',
  },
  NO_SERVICE: {
    code: 'NOT_FOUND',
    text: '{service} is not a service in the descriptors that its server returned',
    cause: "The server's reflection returned files in which the service isn't.",
    remedy: "Correct the service's name, or the reflection of the server.",
  },
  NO_METHOD: {
    code: 'UNIMPLEMENTED',
    text: '{service} has no method {name}; it has {methods}.{didYouMean}',
    cause: 'The service has no method of that name. The text lists the methods.',
    remedy: 'Correct the name of the method.',
  },
  NO_JSON: {
    code: 'INTERNAL',
    text: '{partOfTheReply}, a {message}, has no JSON: {rule}; correct the service, or call it by gRPC',
    cause: "The reply has a value outside of its type's range, such as a Timestamp in the year 10000.",
    remedy: 'Correct the service. A client that speaks gRPC gets the value as it is.',
  },
});
