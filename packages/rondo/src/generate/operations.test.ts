import { expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../test/scaffold/staged.js';
import { checkOperations } from './operations.js';

const method = (name: string, info: string, reply = 'google.longrunning.Operation') => `
  rpc ${name}(Paid) returns (${reply}) {
    option (google.longrunning.operation_info) = {${info}};
  }`;

/** A method that starts runs. */
const workflow = (
  name: string,
  policy: string,
  info = 'option (google.longrunning.operation_info) = {response_type: "Paid"};',
) => `
  rpc ${name}(Paid) returns (google.longrunning.Operation) {
    ${info}
    option (rondo.options.v1.method) = {${policy}};
  }`;
const KEY = 'idempotency: {metadata: "idempotency-key"}';

const TEXT = `syntax = "proto3";
package p.v1;
import "google/longrunning/operations.proto";
import "rondo/options/v1/options.proto";
message Paid { message Part { string id = 1; } string id = 1; }
service Owner {${[
  method('Near', 'response_type: "Paid"'),
  method('Nested', 'response_type: "Paid.Part"'),
  method('Whole', 'response_type: "p.v1.Paid" metadata_type: "google.protobuf.Empty"'),
  method('Missing', 'response_type: "Payed"'),
  method('Untold', 'response_type: "Paid" metadata_type: "other.v1.Progress"'),
  method('Empty', ''),
  method('Other', 'response_type: "Paid"', 'Paid'),
  method('Streams', 'response_type: "Paid"', 'stream google.longrunning.Operation'),
  workflow('Runs', `${KEY} workflow: {}`),
  workflow('Untyped', `${KEY} workflow: {}`, ''),
  workflow('Keyless', 'workflow: {}'),
  workflow('Forever', `${KEY} workflow: {max_attempts: 101}`),
].join('')}
}
`;

it('an operation that ends with an unknown type, and a workflow that could not be run, are refused where they stand', async () => {
  const registry = await compiled(newFile('operations.proto', TEXT));
  const unknown = (option: string, type: string) =>
    `operation_info.${option} is "${type}", and no message of the file or its imports has that name; correct it, or import its file`;
  const misplaced =
    'operation_info is for a method with one request that returns google.longrunning.Operation; leave it out';
  expect(checkOperations(filesIn(registry, 'operations.proto'))).toEqual([
    `proto/operations.proto:17: Owner.Missing: ${unknown('response_type', 'Payed')}`,
    `proto/operations.proto:20: Owner.Untold: ${unknown('metadata_type', 'other.v1.Progress')}`,
    'proto/operations.proto:23: Owner.Empty: operation_info has no response_type; name the message that the operation ends with',
    `proto/operations.proto:26: Owner.Other: ${misplaced}`,
    `proto/operations.proto:29: Owner.Streams: ${misplaced}`,
    expect.stringMatching(/^proto\/operations.proto:37: Owner.Untyped: workflow starts an operation: /),
    expect.stringMatching(/^proto\/operations.proto:41: Owner.Keyless: workflow starts once for each key: /),
    'proto/operations.proto:45: Owner.Forever: workflow.max_attempts is 101; it must be from 1 to 100',
  ]);
});
