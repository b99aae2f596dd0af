import { pascalCase, snakeCase } from '../words.js';

/** Where the starter of a service stands under `proto/`. */
export const starterFile = (name: string): string => `${snakeCase(name)}/v1/${snakeCase(name)}.proto`;

/** A contract to begin with: small, whole, and commented for who reads their first. */
export const renderStarter = (
  name: string,
): string => `// What ${name} offers: a contract to change into your own. After a change run \`./rondo new service ${name}\` again.
syntax = "proto3";

package ${snakeCase(name)}.v1;

import "rondo/options/v1/options.proto";

// Callers read these comments: say what the service is for.
service ${pascalCase(name)}Service {
  // One request, one response.
  rpc Echo(EchoRequest) returns (EchoResponse) {
    // It changes nothing, so a client may try another instance when one fails. IDEMPOTENT is for what may be repeated;
    // IDEMPOTENCY_UNKNOWN is for what may not.
    option idempotency_level = NO_SIDE_EFFECTS;
    // No call takes longer, whatever its caller asks for. Without it each caller decides, Rondo's clients for 10 s.
    option (rondo.options.v1.method) = {
      timeout: {seconds: 2}
    };
  }
  // One request, a stream of responses. A stream has no deadline unless it is given one.
  rpc Count(CountRequest) returns (stream CountResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}

// A field's number is its name on the wire: it never changes, and is never given to another field.
message EchoRequest {
  string text = 1;
}

// The same text.
message EchoResponse {
  string text = 1;
}

// How far to count.
message CountRequest {
  int32 to = 1;
}

// One number of many.
message CountResponse {
  int32 number = 1;
}
`;
