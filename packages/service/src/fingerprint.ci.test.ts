import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { beforeAll, expect, it } from '@jest/globals';
import { compile } from '../test/compile.js';
import { fingerprintsOf, splitDescriptorSet } from './fingerprint.js';

const SERVICE = 'shop.v1.ShopService';
const SHOP = `syntax = "proto3";
package shop.v1;
import "price.proto";
import "options.proto";
service ShopService {
  rpc Buy(Order) returns (Receipt) { option (slow) = true; }
}
message Order { string sku = 1; }
message Receipt { Price total = 1; }
`;
const PRICE = 'syntax = "proto3"; package shop.v1; message Price { int64 units = 1; }';
const OPTIONS = `syntax = "proto3"; import "google/protobuf/descriptor.proto";
  extend google.protobuf.MethodOptions { bool slow = 50000; }`;
const FILES = {
  'shop.proto': SHOP,
  'price.proto': PRICE,
  'options.proto': OPTIONS,
  'other.proto': 'syntax = "proto3";',
};

let original: string | undefined;
beforeAll(async () => {
  original = await fingerprint({});
});

/** The fingerprint of the contract with some files changed. */
async function fingerprint(changed: Partial<typeof FILES>, ...flags: string[]): Promise<string | undefined> {
  return fingerprintsOf([SERVICE], await compile({ ...FILES, ...changed }, ...flags))[SERVICE];
}

function edit(source: string, from: string, to: string): string {
  expect(source).toContain(from);
  return source.replace(from, to);
}

it('is short, and that of two services of one file is the same', async () => {
  expect(original).toMatch(/^[0-9a-f]{16}$/);
  const other = edit(SHOP, 'message Order', 'service Other { rpc Buy(Order) returns (Receipt); }\nmessage Order');
  const both = fingerprintsOf([SERVICE, 'shop.v1.Other'], await compile({ ...FILES, 'shop.proto': other }));
  expect(both).toEqual({ [SERVICE]: both['shop.v1.Other'], 'shop.v1.Other': expect.not.stringMatching(`${original}`) });
});

it.each([
  ['a comment', { 'shop.proto': edit(SHOP, 'message Order', '// What is bought.\nmessage Order') }],
  ['a file that it does not import', { 'other.proto': 'syntax = "proto3"; message Other {}' }],
  ['a new word among the options', { 'options.proto': edit(OPTIONS, '{ bool', '{ bool odd = 50001; bool') }],
])('is not changed by %s', async (_what, changed) => {
  expect(await fingerprint(changed)).toBe(original);
});

it.each([
  ['another method', { 'shop.proto': edit(SHOP, 'rpc Buy', 'rpc Ask(Order) returns (Order);\nrpc Buy') }],
  ['another option of a method', { 'shop.proto': edit(SHOP, 'true', 'false') }],
  ['a field of another name', { 'shop.proto': edit(SHOP, 'string sku', 'string item') }],
  ['a field of another type in a file that it imports', { 'price.proto': edit(PRICE, 'int64', 'sint64') }],
  ['another syntax', { 'price.proto': edit(PRICE, 'syntax = "proto3"', 'edition = "2023"') }],
])('is changed by %s', async (_what, changed) => {
  const edited = await fingerprint(changed);
  expect(edited).toMatch(/^[0-9a-f]{16}$/);
  expect(edited).not.toBe(original);
});

it('does not depend on source info, or on the order of the files', async () => {
  expect(await fingerprint({}, '--exclude-source-info')).toBe(original);
  const files = splitDescriptorSet(await compile(FILES));
  const reversed = [...files]
    .reverse()
    .map((file) => new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(file).finish());
  expect(fingerprintsOf([SERVICE], Buffer.concat(reversed))).toEqual({ [SERVICE]: original });
});

it('a service that the set lacks has no fingerprint, but the others have one', async () => {
  const set = await compile(FILES);
  expect(fingerprintsOf(['none.v1.None', SERVICE], set)).toEqual({ [SERVICE]: original });
  expect(fingerprintsOf([SERVICE], new Uint8Array())).toEqual({});
});

it('a service of which a file is missing has no fingerprint', async () => {
  const set = await compile(
    {
      'only.proto': `syntax = "proto3"; package only.v1; import "google/protobuf/empty.proto";
    service Only { rpc Do(google.protobuf.Empty) returns (google.protobuf.Empty); }`,
    },
    '--exclude-imports',
  );
  expect(fingerprintsOf(['only.v1.Only'], set)).toEqual({});
});

it('a service whose own file declares options has a fingerprint, which a change of that file changes', async () => {
  const file = (method: string) => `syntax = "proto3"; package own.v1; import "google/protobuf/descriptor.proto";
    extend google.protobuf.MethodOptions { bool slow = 50000; }
    message A {}
    service Own { rpc ${method}(A) returns (A) { option (slow) = true; } }`;
  const [one, other] = await Promise.all(
    ['Do', 'Make'].map(async (method) => fingerprintsOf(['own.v1.Own'], await compile({ 'own.proto': file(method) }))),
  );
  expect(one).toEqual({ 'own.v1.Own': expect.stringMatching(/^[0-9a-f]{16}$/) });
  expect(other).not.toEqual(one);
});

it('damaged bytes are refused', () => {
  expect(() => fingerprintsOf([SERVICE], Buffer.from([0x0a, 0x05, 0x01]))).toThrow();
});
