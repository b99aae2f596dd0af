import { pascalCase, snakeCase } from '../words.js';

/** The path of a service's starter contract under `proto/`. */
export const starterFile = (name: string): string => `${snakeCase(name)}/v1/${snakeCase(name)}.proto`;

/** The scope that the starter contract's methods need while security is on. Both of them only read. */
export const starterScope = (name: string): string => `${name}.read`;

/** Renders a small, complete contract to start from, with comments for readers of their first contract. */
export const renderStarter = (
  name: string,
): string => `// The contract of ${name}. Change it to your needs, then run \`./rondo new service ${name}\` again.
syntax = "proto3";

package ${snakeCase(name)}.v1;

import "google/api/annotations.proto";
import "rondo/options/v1/options.proto";

// Callers read this comment: describe what the service does.
service ${pascalCase(name)}Service {
  // Returns the text of the request. A unary method: one request, one response.
  rpc Echo(EchoRequest) returns (EchoResponse) {
    // The method changes nothing, so a client may retry it at another instance. Use IDEMPOTENT for a method that
    // changes something and may be repeated, and IDEMPOTENCY_UNKNOWN for a method that must not be repeated.
    option idempotency_level = NO_SIDE_EFFECTS;
    // The gateway offers the method over HTTP too: the body is the request, as JSON.
    option (google.api.http) = {
      post: "/v1/${name}:echo"
      body: "*"
    };
    option (rondo.options.v1.method) = {
      // The maximum duration of a call, even if its caller allows more. Without it the caller decides; Rondo's clients
      // allow 10 s.
      timeout: {seconds: 2}
      // Who may call while security is on (RONDO_AUTH=on): people and programs that have this scope. A method without
      // \`auth\` is for no caller then, and one with \`auth: {public: true}\` for every caller.
      auth: {scopes: "${starterScope(name)}"}
    };
  }
  // Counts from 1. A server-streaming method: one request, a stream of responses. A stream has no deadline unless the
  // caller sets one.
  rpc Count(CountRequest) returns (stream CountResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    // The query has the fields of the request: \`?to=3\`. Each response is a line of JSON.
    option (google.api.http) = {get: "/v1/${name}:count"};
    option (rondo.options.v1.method) = {
      auth: {scopes: "${starterScope(name)}"}
    };
  }
}

// The text to return.
message EchoRequest {
  // The number identifies the field on the wire: never change it, and never reuse it for another field.
  string text = 1;
}

// The text of the request.
message EchoResponse {
  string text = 1;
}

// The last number to count to.
message CountRequest {
  int32 to = 1;
}

// One number of the sequence.
message CountResponse {
  int32 number = 1;
}
`;
