import { beforeAll, describe, expect, it } from '@jest/globals';
import { compile } from '../../test/compile.js';
import { fingerprintsOf } from './fingerprint.js';

const SERVICE = 'shop.v1.ShopService';
const CONTRACT = `syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
service ShopService {
  rpc Buy(BuyRequest) returns (Receipt) { option idempotency_level = IDEMPOTENT; }
  rpc Follow(BuyRequest) returns (stream Receipt);
}
message BuyRequest {
  message Line { string sku = 1; Unit unit = 2; BuyRequest bundle = 3; }
  repeated Line lines = 1;
  repeated int32 codes = 2;
  map<string, Price> prices = 3;
  optional int64 budget = 4;
  oneof payer { string card = 5; string account = 6; }
}
message Receipt { string receipt_id = 1; google.protobuf.Timestamp time = 2; Price total = 3; }
message Price { int64 units = 1; }
message Unused { int64 units = 1; }
enum Unit { UNIT_UNSPECIFIED = 0; UNIT_EACH = 1; UNIT_KILO = 2; }
`;

let original: string | undefined;
beforeAll(async () => {
  original = await fingerprint(CONTRACT);
});

async function fingerprint(source: string, ...flags: string[]): Promise<string | undefined> {
  return fingerprintsOf([SERVICE], await compile({ 'shop.proto': source }, ...flags))[SERVICE];
}

/** The contract with one replacement. */
function edit(from: string, to: string): string {
  expect(CONTRACT).toContain(from);
  return CONTRACT.replace(from, to);
}

describe('a fingerprint', () => {
  it('is short, and differs from service to service', async () => {
    expect(original).toMatch(/^[0-9a-f]{16}$/);
    const other = edit('message Unused', 'service Other { rpc Buy(BuyRequest) returns (Receipt); }\nmessage Unused');
    const both = fingerprintsOf([SERVICE, 'shop.v1.Other'], await compile({ 'shop.proto': other }));
    expect(both).toEqual({ [SERVICE]: original, 'shop.v1.Other': expect.not.stringMatching(`${original}`) });
  });

  it.each([
    ['a comment', 'message Price', '// What it costs.\nmessage Price'],
    ['language options', 'package shop.v1;', 'package shop.v1;\noption java_package = "com.shop";'],
    ['a deprecation', 'int64 units = 1;', 'int64 units = 1 [deprecated = true];'],
    ['an explicit default', 'string receipt_id = 1', 'string receipt_id = 1 [json_name = "receiptId"]'],
    ['the order of fields', 'string sku = 1; Unit unit = 2;', 'Unit unit = 2; string sku = 1;'],
    ['the order of values', 'UNIT_EACH = 1; UNIT_KILO = 2;', 'UNIT_KILO = 2; UNIT_EACH = 1;'],
    ['a type that no method reaches', 'message Unused { int64', 'message Unused { string'],
    ['a reserved number', 'message Price {', 'message Price { reserved 7;'],
  ])('is not changed by %s', async (_what, from, to) => {
    expect(await fingerprint(edit(from, to))).toBe(original);
  });

  it.each([
    ['another method', 'rpc Follow', 'rpc Ask(BuyRequest) returns (Receipt);\nrpc Follow'],
    ['a method of another name', 'rpc Follow', 'rpc Watch'],
    ['a stream of requests', 'Follow(BuyRequest', 'Follow(stream BuyRequest'],
    ['one reply instead of a stream', '(stream Receipt)', '(Receipt)'],
    ['another request', 'Follow(BuyRequest)', 'Follow(Price)'],
    ['another idempotency', 'IDEMPOTENT', 'NO_SIDE_EFFECTS'],
    ['another field', 'int64 units = 1;', 'int64 units = 1; int32 nanos = 2;'],
    ['a field of another name', 'int64 units', 'int64 whole'],
    ['a field of another number', 'Price total = 3', 'Price total = 4'],
    ['a field of another name in JSON', 'string receipt_id = 1', 'string receipt_id = 1 [json_name = "id"]'],
    ['a field of another type', 'int64 units', 'sint64 units'],
    ['a field of another message', 'Price total', 'Unused total'],
    ['presence', 'optional int64 budget', 'int64 budget'],
    ['one instead of many', 'repeated Line lines', 'Line lines'],
    ['another encoding of many', 'int32 codes = 2', 'int32 codes = 2 [packed = false]'],
    ['another value of a map', 'map<string, Price>', 'map<string, int64>'],
    ['a oneof of another name', 'oneof payer', 'oneof source'],
    ['a field that left its oneof', 'string account = 6; }', '} string account = 6;'],
    ['a value of another name', 'UNIT_EACH', 'UNIT_ONE'],
    ['a value of another number', 'UNIT_EACH = 1', 'UNIT_EACH = 3'],
  ])('is changed by %s', async (_what, from, to) => {
    const edited = await fingerprint(edit(from, to));
    expect(edited).toMatch(/^[0-9a-f]{16}$/);
    expect(edited).not.toBe(original);
  });

  it('does not depend on the layout in files or on source info', async () => {
    const [head = '', tail = ''] = CONTRACT.split('message Price');
    const types = `syntax = "proto3"; package shop.v1; message Price${tail}`;
    const service = head.replace('import', 'import "types.proto";\nimport');
    const set = await compile({ 'service.proto': service, 'types.proto': types });
    expect(fingerprintsOf([SERVICE], set)).toEqual({ [SERVICE]: original });
    expect(await fingerprint(CONTRACT, '--exclude-source-info')).toBe(original);
  });
});

describe('the features of an edition', () => {
  const source = `edition = "2023"; package shop.v1;
    service ShopService { rpc Buy(Order) returns (Order); }
    message Order {
      int32 count = 1;
      repeated int32 codes = 2;
      Order next = 3;
      map<string, Order> parts = 4;
      oneof one { Order other = 5; }
      Unit unit = 6 [features.field_presence = EXPLICIT];
    }
    enum Unit { UNIT_UNSPECIFIED = 0; }`;
  const inFile = (feature: string) => source.replace('service', `option features.${feature}; service`);

  // Each feature with the narrowest declarations that have the same effect: enclosing scopes pass it on.
  it.each<{ what: string; feature: string; places: readonly (readonly [string, string])[] }>([
    {
      what: 'presence',
      feature: 'field_presence = IMPLICIT',
      places: [['count = 1', 'count = 1 [features.field_presence = IMPLICIT]']],
    },
    {
      what: 'open or closed enums',
      feature: 'enum_type = CLOSED',
      places: [['Unit {', 'Unit { option features.enum_type = CLOSED;']],
    },
    {
      what: 'packing',
      feature: 'repeated_field_encoding = EXPANDED',
      places: [['codes = 2', 'codes = 2 [features.repeated_field_encoding = EXPANDED]']],
    },
    {
      what: 'delimited messages, but in maps',
      feature: 'message_encoding = DELIMITED',
      places: [
        ['next = 3', 'next = 3 [features.message_encoding = DELIMITED]'],
        ['other = 5', 'other = 5 [features.message_encoding = DELIMITED]'],
      ],
    },
    {
      what: 'JSON',
      feature: 'json_format = LEGACY_BEST_EFFORT',
      places: [
        ['Order {', 'Order { option features.json_format = LEGACY_BEST_EFFORT;'],
        ['Unit {', 'Unit { option features.json_format = LEGACY_BEST_EFFORT;'],
      ],
    },
  ])('count: $what', async ({ feature, places }) => {
    const wide = await fingerprint(inFile(feature));
    const narrow = places.reduce((edited, [from, to]) => edited.replace(from, to), source);
    expect(wide).toBe(await fingerprint(narrow));
    expect(wide).not.toBe(await fingerprint(source));
  });

  it('equal to those of proto3 give the same fingerprint', async () => {
    const edition = CONTRACT.replace(
      'syntax = "proto3";',
      'edition = "2023"; option features.field_presence = IMPLICIT;',
    );
    const explicit = 'int64 budget = 4 [features.field_presence = EXPLICIT]';
    expect(await fingerprint(edition.replace('optional int64 budget = 4', explicit))).toBe(original);
  });
});

describe('proto2', () => {
  const source = `syntax = "proto2"; package shop.v1;
    service ShopService { rpc Buy(Order) returns (Order); }
    message Order {
      required string name = 1;
      optional int32 count = 2 [default = 1];
      repeated int32 codes = 3;
      optional group Extra = 4 { optional string note = 1; }
    }`;

  it.each([
    ['a required field', 'required string', 'optional string'],
    ['a default', 'default = 1', 'default = 2'],
    ['packing', 'codes = 3', 'codes = 3 [packed = true]'],
    ['a group', 'optional group Extra = 4 {', 'message Extra {'],
  ])('counts %s', async (_what, from, to) => {
    expect(source).toContain(from);
    expect(await fingerprint(source.replace(from, to))).not.toBe(await fingerprint(source));
  });

  it('has the same fingerprint as the equivalent edition', async () => {
    const edition = `edition = "2023"; package shop.v1;
      option features.repeated_field_encoding = EXPANDED;
      option features.json_format = LEGACY_BEST_EFFORT;
      service ShopService { rpc Buy(Order) returns (Order); }
      message Order {
        string name = 1 [features.field_presence = LEGACY_REQUIRED];
        int32 count = 2 [default = 1];
        repeated int32 codes = 3;
        Extra extra = 4 [features.message_encoding = DELIMITED];
        message Extra { string note = 1; }
      }`;
    expect(await fingerprint(edition)).toBe(await fingerprint(source));
  });
});

describe('without a whole contract', () => {
  it('a service that the set lacks has no fingerprint, but the others have one', async () => {
    const set = await compile({ 'shop.proto': CONTRACT });
    expect(fingerprintsOf(['none.v1.None', SERVICE], set)).toEqual({ [SERVICE]: original });
    expect(fingerprintsOf([SERVICE], new Uint8Array())).toEqual({});
  });

  it('a service that needs a missing type has no fingerprint', async () => {
    expect(fingerprintsOf([SERVICE], await compile({ 'shop.proto': CONTRACT }, '--exclude-imports'))).toEqual({});
  });

  it('damaged bytes are refused', () => {
    expect(() => fingerprintsOf([SERVICE], Buffer.from([0x0a, 0x05, 0x01]))).toThrow();
  });
});
