import { beforeAll, describe, expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../../test/scaffold/staged.js';
import { checkHttp } from '../../generate/check-http.js';

const get = (template: string) => `option (google.api.http) = {get: "${template}"};`;

/** The methods that generation refuses, with the expected message. */
const refused: readonly [option: string, reason: string][] = [
  [
    get('/v1/{nme}'),
    'GET /v1/{nme}: the variable {nme} names no field: rondo.p.Request has no field "nme"; it has name',
  ],
];

/** Methods that conflict with the last one here, which generation accepts. */
const conflicting: readonly [option: string, reason: string][] = [
  [
    get('/v1/things/{name}'),
    'GET /v1/things/{name} takes the same paths as GET /v1/{name=things/*} of rondo.p.Bound.Get; change one of them',
  ],
];

const method = (name: string, option: string) =>
  `  rpc ${name}(Request) returns (Request) {\n    ${option} // here\n  }\n`;

const text = `syntax = "proto3";
package rondo.p;
import "google/api/annotations.proto";
import "rondo/options/v1/options.proto";
message Request { string name = 1; }
service Bound {
  option (rondo.options.v1.service) = {exposure: EXPOSURE_INTERNAL};
  rpc Get(Request) returns (Request) { ${get('/v1/{name=things/*}')} }
  rpc Deeper(Request) returns (Request) { ${get('/v1/things/{name}:go')} }
}
service Faulty {
  option (rondo.options.v1.service) = {exposure: EXPOSURE_INTERNAL};
${[...refused, ...conflicting].map(([option], index) => method(`M${index}`, option)).join('')}}
service Public { // exposed
  rpc Get(Request) returns (Request);
}
`;

/** A contract that imports nothing of Rondo, such as one that was copied. */
const copied = `syntax = "proto3";
package copied;
import "google/api/annotations.proto";
message Request {}
service Copied {
  rpc Remove(Request) returns (Request) { option (google.api.http) = {delete: "/v1/a" body: "*"}; }
}
`;

let reported: readonly string[];
let unasked: readonly string[];

beforeAll(async () => {
  const registry = await compiled(newFile('refused.proto', text), newFile('copied.proto', copied));
  reported = checkHttp(filesIn(registry, 'refused.proto'));
  unasked = checkHttp(filesIn(registry, 'google/longrunning/operations.proto', 'copied.proto'));
});

describe('an HTTP rule', () => {
  it('is refused where it stands, with the reason and the remedy', () => {
    const lines = text.split('\n').flatMap((line, at) => (line.endsWith('// here') ? [at + 1] : []));
    const reasons = [...refused, ...conflicting].map(
      ([, reason], index) => `proto/refused.proto:${lines[index]}: Faulty.M${index}: ${reason}`,
    );
    expect(reported.slice(1)).toEqual(reasons);
  });

  it('of a third party is not checked, wherever its contract is', () => {
    expect(unasked).toEqual([]);
  });
});

it('a service under rondo. is refused unless it is internal', () => {
  const line = text.split('\n').findIndex((one) => one.endsWith('// exposed')) + 1;
  expect(reported[0]).toBe(
    `proto/refused.proto:${line}: Public: a service under rondo. is for the system's own processes; set exposure: EXPOSURE_INTERNAL in (rondo.options.v1.service)`,
  );
});
