import type { FileRegistry } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { compiled, newFile } from '../../../test/scaffold/staged.js';
import { findUnsupported } from './unsupported.js';

const then = 'JavaScript gives then a meaning of its own, so that no client can have a method of this name';

/** The first fault of a contract with one line after its package, with its line number. */
const unfit: readonly (readonly [text: string, reason: string, remedy: string])[] = [
  ['service S { rpc Then(M) returns (M); } message M {}', then, 'rename Then'],
  ['service S { rpc __proto__(M) returns (M); } message M {}', then.replace('then', '__proto__'), 'rename __proto__'],
  [
    'service S { rpc Get(M) returns (M); rpc get(M) returns (M); } message M {}',
    'clients and handlers would have one member get for Get and get',
    'rename Get',
  ],
  [
    'message M { optional string to_string = 1; }',
    "every JavaScript object has a toString, which would be sent if to_string isn't set",
    'rename to_string',
  ],
];

/** Like the list above, in proto2. */
const unfitProto2: typeof unfit = [
  [
    'message M { extensions 100 to 199; } message N { extend M { optional int32 more = 100; } }',
    'the code generated for unfit4.M drops extensions such as more',
    'make more a field of M',
  ],
  [
    'message M { option message_set_wire_format = true; extensions 4 to max; }',
    "M is a message set, which generated code can't read",
    'give it fields instead',
  ],
];

const fit: readonly string[] = [
  'message class { oneof o { string constructor = 1; } map<string, M> value_of = 2; } message M { class c = 1; string then = 2; int32 __proto__ = 3; }',
  'service S { rpc constructor(M) returns (M); rpc toString(M) returns (M); rpc apply(M) returns (M); } message M {}',
  'message M { oneof a { string x = 1; } oneof b { string y = 2; } optional int32 z = 3; map<string, M> a_b = 4; }',
  'message A { message B {} } message AB {} message A_B {}',
  'import "google/protobuf/descriptor.proto"; extend google.protobuf.MethodOptions { string role = 50001; }',
];

const contracts = [
  ...[...unfit, ...unfitProto2].map(([text], index) => {
    const syntax = index < unfit.length ? 'proto3' : 'proto2';
    return newFile(`unfit${index}.proto`, `syntax = "${syntax}";\npackage unfit${index};\n\n${text}`);
  }),
  ...fit.map((text, index) => newFile(`fit${index}.proto`, `syntax = "proto3";\npackage fit${index};\n${text}`)),
];
let registry: FileRegistry;

beforeAll(async () => {
  const [first = newFile('none.proto', ''), ...others] = contracts;
  registry = await compiled(first, ...others);
});

function judge(file: string) {
  const found = registry.getFile(file);
  if (found === undefined) throw new Error(`${file} was not compiled`);
  return findUnsupported(found);
}

describe('a contract', () => {
  it.each(
    [...unfit, ...unfitProto2].map(([text, reason, remedy], index) => [text, index, { reason, remedy }] as const),
  )('is unfit: %s', (_text, index, expected) => {
    expect(judge(`unfit${index}.proto`)).toEqual({ line: 4, ...expected });
  });

  it.each(fit.map((text, index) => [text, index] as const))('is supported: %s', (_text, index) => {
    expect(judge(`fit${index}.proto`)).toBeUndefined();
  });
});
