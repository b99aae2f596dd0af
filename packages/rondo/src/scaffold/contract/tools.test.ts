import { expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../../test/scaffold/staged.js';
import { checkTools } from '../../generate/check-tools.js';

interface Written {
  readonly request?: string;
  readonly reply?: string;
  readonly level?: string;
  readonly options?: string;
  readonly comment?: string;
}

const method = (
  name: string,
  { request = 'Kept', reply = 'Kept', level, options = 'tool: {}', comment = name }: Written,
) => `
  ${comment === '' ? '' : `// ${comment}.`}
  rpc ${name}(${request}) returns (${reply}) {
    ${level === undefined ? '' : `option idempotency_level = ${level};`}
    option (rondo.options.v1.method) = {${options}};
  }`;
const KEY = 'idempotency: {metadata: "idempotency-key"}';

const TEXT = `syntax = "proto3";
package p;
import "google/protobuf/timestamp.proto";
import "rondo/options/v1/options.proto";
message Kept { string id = 1; }
message Keyed { string idempotency_key = 1; }
service Owner {${[
  method('Read', { level: 'NO_SIDE_EFFECTS' }),
  method('Place', { options: `tool: {confirm: true} auth: {callers: ["gateway"]} ${KEY}` }),
  method('PlaceAgain', { options: `tool: {name: "place"} ${KEY}` }),
  method('Unsafe', {}),
  method('Streams', { reply: 'stream Kept', level: 'NO_SIDE_EFFECTS' }),
  method('Silent', { level: 'IDEMPOTENT', comment: '' }),
  method('Named', { level: 'IDEMPOTENT', options: 'tool: {name: "a b"}' }),
  method('Long', { level: 'IDEMPOTENT', options: `tool: {name: "${'a'.repeat(65)}"}` }),
  method('GetOperation', { level: 'IDEMPOTENT' }),
  method('Inside', { level: 'IDEMPOTENT', options: 'tool: {} exposure: EXPOSURE_INTERNAL' }),
  method('Timely', { level: 'IDEMPOTENT', reply: 'google.protobuf.Timestamp' }),
  method('Clashes', { request: 'Keyed', options: `tool: {} ${KEY}` }),
  method('Closed', { level: 'IDEMPOTENT', options: 'tool: {} auth: {callers: ["sales"]}' }),
  method('Asks', { level: 'NO_SIDE_EFFECTS', options: 'tool: {confirm: true}' }),
  method('Keyless', { level: 'IDEMPOTENT', options: 'tool: {confirm: true}' }),
  method('Forgets', {
    options: 'tool: {confirm: true} idempotency: {metadata: "idempotency-key" retention: {seconds: 60}}',
  }),
].join('')}
}
`;

it('tools that an agent could not call safely are refused where they stand', async () => {
  const registry = await compiled(newFile('tools.proto', TEXT));
  const reported = checkTools(filesIn(registry, 'tools.proto')).map((fault) =>
    fault.replace(/^proto\/tools.proto:\d+: Owner\./, ''),
  );
  expect(reported).toEqual([
    'PlaceAgain: tool is place, as that of p.Owner.Place; give it another name',
    expect.stringMatching(/^Unsafe: tool is called again when its answer is lost: give the method idempotency/),
    'Streams: tool is for a method with one request and one reply; leave it out',
    'Silent: tool has no description: comment the method',
    'Named: tool.name is "a b"; it is of 1 to 64 A-Z a-z 0-9 _ -',
    expect.stringMatching(/^Long: tool.name is "a{65}"; it is of 1 to 64/),
    'GetOperation: tool.name is get_operation, by which agents ask for operations; give it another name',
    'Inside: tool is called through the gateway, and exposure is internal; leave one of the two out',
    'Timely: tool takes and gives JSON objects, and google.protobuf.Timestamp is none',
    'Clashes: tool has the argument idempotency_key for the key, and p.Keyed has such a field: name it in idempotency.field',
    'Closed: tool is called by the gateway, and auth.callers has sales: name gateway there, too',
    expect.stringMatching(/^Asks: tool.confirm is for a method that changes something/),
    'Keyless: tool.confirm needs idempotency, so that a confirmation takes effect once; give the method a key',
    'Forgets: tool.confirm is valid for 5 min, and idempotency.retention is 60000 ms; make it at least as long',
  ]);
});
