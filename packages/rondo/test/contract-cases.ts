import type { Difference } from '../src/contract/difference.js';

/** A change of a contract: the members of its message `A` before and after, and the expected differences. */
export interface Case {
  readonly name: string;
  readonly syntax?: string;
  readonly before: string;
  readonly after: string;
  /** Its methods, if there are several. */
  readonly methods?: readonly [before: string, after: string];
  readonly says: readonly Difference[];
  /**
   * How buf's result differs from ours. `moved`: for buf, a name that moved to another number is deleted. `addition`: buf refuses
   * what we count as an addition.
   */
  readonly apart?: 'moved' | 'addition';
}

const incompatible = (text: string): Difference => ({ kind: 'incompatible', text });
const changed = (text: string): Difference => ({ kind: 'changed', text });
const added = (text: string): Difference => ({ kind: 'added', text });
const removed = (text: string): Difference => ({ kind: 'removed', text });

const PROTO2 = 'syntax = "proto2";';
const EDITION = 'edition = "2023";';
const GO = 'rpc Go(A) returns (A);';

/** The cases of every rule by which contracts are compared. */
export const cases: readonly Case[] = [
  { name: 'nothing', before: 'int32 x = 1;', after: '/* said otherwise */ int32 x = 1;', says: [] },

  // Methods.
  {
    name: 'a method more',
    before: '',
    after: '',
    methods: [GO, `${GO} rpc Modulo(A) returns (A);`],
    says: [added('method Modulo')],
  },
  {
    name: 'a method less',
    before: '',
    after: '',
    methods: [`${GO} rpc Modulo(A) returns (A);`, GO],
    says: [removed('method Modulo')],
  },
  {
    name: 'a stream of requests',
    before: '',
    after: '',
    methods: [GO, 'rpc Go(stream A) returns (A);'],
    says: [incompatible('method Go is (stream A) returns (A) instead of (A) returns (A)')],
  },
  {
    name: 'a stream of replies',
    before: '',
    after: '',
    methods: ['rpc Go(A) returns (stream A);', GO],
    says: [incompatible('method Go is (A) returns (A) instead of (A) returns (stream A)')],
  },
  {
    name: 'another request',
    before: '',
    after: '',
    methods: [GO, 'rpc Go(M) returns (A);'],
    says: [incompatible('method Go is (M) returns (A) instead of (A) returns (A)')],
  },
  {
    name: 'another reply',
    before: '',
    after: '',
    methods: [GO, 'rpc Go(A) returns (M);'],
    says: [incompatible('method Go is (A) returns (M) instead of (A) returns (A)')],
  },
  {
    name: 'another idempotency',
    before: '',
    after: '',
    methods: [GO, 'rpc Go(A) returns (A) { option idempotency_level = IDEMPOTENT; }'],
    says: [incompatible('method Go is IDEMPOTENT instead of IDEMPOTENCY_UNKNOWN')],
  },

  // Fields.
  { name: 'a field more', before: 'int32 x = 1;', after: 'int32 x = 1; M y = 2;', says: [added('field A.y')] },
  { name: 'a field less', before: 'int32 x = 1; M y = 2;', after: 'int32 x = 1;', says: [removed('field A.y')] },
  {
    name: 'a field of another name',
    before: 'int32 x = 1;',
    after: 'int32 y = 1;',
    says: [incompatible('field 1 of A is y instead of x')],
  },
  {
    name: 'a field of another name in JSON',
    before: 'int32 x = 1;',
    after: 'int32 x = 1 [json_name = "z"];',
    says: [incompatible('A.x in JSON is z instead of x')],
  },
  {
    name: 'a field of another number',
    before: 'int32 x = 1;',
    after: 'int32 x = 2;',
    says: [incompatible('A.x is field 2 instead of field 1')],
    apart: 'moved',
  },
  {
    name: 'fields that changed places',
    before: 'int32 x = 1; int32 y = 2;',
    after: 'int32 y = 1; int32 x = 2;',
    says: [incompatible('field 1 of A is y instead of x'), incompatible('field 2 of A is x instead of y')],
  },
  ...typePairs(),
  {
    name: 'a list',
    before: 'int32 x = 1;',
    after: 'repeated int32 x = 1;',
    says: [incompatible('A.x is repeated int32 instead of int32 (field 1)')],
  },
  {
    name: 'presence',
    before: 'int32 x = 1;',
    after: 'optional int32 x = 1;',
    says: [changed('A.x is optional int32 instead of int32 (field 1)')],
  },
  {
    name: 'packing',
    before: 'repeated int32 x = 1;',
    after: 'repeated int32 x = 1 [packed = false];',
    says: [changed('A.x is repeated int32 [packed = false] instead of repeated int32 (field 1)')],
  },
  {
    name: 'a map',
    before: 'map<string, int32> x = 1;',
    after: 'repeated M x = 1;',
    says: [incompatible('A.x is repeated M instead of map<string, int32> (field 1)')],
  },
  {
    name: 'the value of a map',
    before: 'map<string, int32> x = 1;',
    after: 'map<string, string> x = 1;',
    says: [incompatible('A.x is map<string, string> instead of map<string, int32> (field 1)')],
  },
  {
    name: 'the value of a map, read alike',
    before: 'map<string, int32> x = 1;',
    after: 'map<string, uint32> x = 1;',
    says: [changed('A.x is map<string, uint32> instead of map<string, int32> (field 1)')],
  },
  {
    name: 'the key of a map',
    before: 'map<string, int32> x = 1;',
    after: 'map<int32, int32> x = 1;',
    says: [incompatible('A.x is map<int32, int32> instead of map<string, int32> (field 1)')],
  },
  {
    name: 'a field that went into a oneof',
    before: 'int32 x = 1; oneof o { int32 z = 2; }',
    after: 'oneof o { int32 x = 1; int32 z = 2; }',
    says: [incompatible('A.x is in oneof o instead of in no oneof')],
  },
  {
    name: 'a oneof of another name',
    before: 'oneof o { int32 x = 1; }',
    after: 'oneof p { int32 x = 1; }',
    says: [incompatible('A.x is in oneof p instead of in oneof o')],
  },
  {
    name: 'a oneof with a field more',
    before: 'oneof o { int32 x = 1; }',
    after: 'oneof o { int32 x = 1; int32 y = 2; }',
    says: [added('field A.y')],
  },
  {
    name: 'what lies deep, within a type that contains itself',
    before: 'repeated B x = 1; message B { map<string, C> c = 1; } message C { B b = 1; int32 deep = 2; }',
    after: 'repeated B x = 1; message B { map<string, C> c = 1; } message C { B b = 1; string deep = 2; }',
    says: [incompatible('A.C.deep is string instead of int32 (field 2)')],
  },

  // Enums.
  {
    name: 'values more and less',
    before: 'Q x = 1; enum Q { Q_0 = 0; Q_1 = 1; }',
    after: 'Q x = 1; enum Q { Q_0 = 0; Q_2 = 2; }',
    says: [removed('value A.Q.Q_1'), added('value A.Q.Q_2')],
  },
  {
    name: 'a value of another name',
    before: 'Q x = 1; enum Q { Q_0 = 0; Q_1 = 1; }',
    after: 'Q x = 1; enum Q { Q_0 = 0; Q_ONE = 1; }',
    says: [incompatible('value 1 of A.Q is Q_ONE instead of Q_1')],
  },
  {
    name: 'a value of another number',
    before: 'Q x = 1; enum Q { Q_0 = 0; Q_1 = 1; }',
    after: 'Q x = 1; enum Q { Q_0 = 0; Q_1 = 2; }',
    says: [incompatible('A.Q.Q_1 is 2 instead of 1')],
    apart: 'moved',
  },
  {
    name: 'a second name of a value',
    before: 'Q x = 1; enum Q { Q_0 = 0; }',
    after: 'Q x = 1; enum Q { option allow_alias = true; Q_0 = 0; Q_NONE = 0; }',
    says: [added('value A.Q.Q_NONE')],
    apart: 'addition',
  },
  {
    name: 'a closed enum',
    syntax: EDITION,
    before: 'Q x = 1; enum Q { Q_0 = 0; }',
    after: 'Q x = 1; enum Q { option features.enum_type = CLOSED; Q_0 = 0; }',
    says: [changed('A.Q is closed instead of open')],
  },
  {
    name: 'an enum that moved',
    before: 'E x = 1;',
    after: 'N.E x = 1; message N { enum E { E_0 = 0; E_1 = 1; E_2 = 2; } }',
    says: [changed('A.x is A.N.E instead of E (field 1)'), added('value A.N.E.E_2')],
    apart: 'addition',
  },
  {
    name: 'another enum',
    before: 'E x = 1;',
    after: 'F x = 1; enum F { F_0 = 0; }',
    says: [incompatible('A.x is A.F instead of E (field 1)')],
  },

  // Features of proto2 and editions.
  {
    name: 'a required field more',
    syntax: PROTO2,
    before: '',
    after: 'required int32 x = 1;',
    says: [incompatible('A.x is required instead of missing')],
  },
  {
    name: 'a required field less',
    syntax: PROTO2,
    before: 'required int32 x = 1;',
    after: '',
    says: [incompatible('A.x is missing instead of required')],
  },
  {
    name: 'a field that is no longer required',
    syntax: PROTO2,
    before: 'required int32 x = 1;',
    after: 'optional int32 x = 1;',
    says: [incompatible('A.x is optional int32 instead of required int32 (field 1)')],
  },
  {
    name: 'a default',
    syntax: PROTO2,
    before: 'optional int32 x = 1;',
    after: 'optional int32 x = 1 [default = 2];',
    says: [incompatible('the default of A.x is 2 instead of empty')],
  },
  {
    name: 'a default that holds anyway',
    syntax: PROTO2,
    before: 'optional int32 x = 1; optional bool y = 2; optional string z = 3;',
    after:
      'optional int32 x = 1 [default = 0]; optional bool y = 2 [default = false]; optional string z = 3 [default = ""];',
    says: [],
  },
  {
    name: 'a delimited message',
    syntax: EDITION,
    before: 'M x = 1;',
    after: 'M x = 1 [features.message_encoding = DELIMITED];',
    says: [incompatible('A.x is delimited M instead of M (field 1)')],
  },
  {
    name: 'JSON of a message',
    syntax: EDITION,
    before: '',
    after: 'option features.json_format = LEGACY_BEST_EFFORT;',
    says: [incompatible('the JSON of A is best effort instead of strict')],
  },
  {
    name: 'JSON of an enum',
    syntax: EDITION,
    before: 'Q x = 1; enum Q { Q_0 = 0; }',
    after: 'Q x = 1; enum Q { option features.json_format = LEGACY_BEST_EFFORT; Q_0 = 0; }',
    says: [incompatible('the JSON of A.Q is best effort instead of strict')],
  },
];

/** Cases for each pair of field types. */
function typePairs(): readonly Case[] {
  const scalars =
    'int32 uint32 sint32 fixed32 sfixed32 int64 uint64 sint64 fixed64 sfixed64 bool string bytes float double';
  const types = [...scalars.split(' '), 'E', 'M'];
  const alike = new Set(['int32 uint32', 'int64 uint64', 'fixed32 sfixed32', 'fixed64 sfixed64']);
  return types.flatMap((one, index) =>
    types.slice(index + 1).map((other) => {
      const say = alike.has(`${one} ${other}`) ? changed : incompatible;
      const says = [say(`A.x is ${other} instead of ${one} (field 1)`)];
      return { name: `${one} to ${other}`, before: `${one} x = 1;`, after: `${other} x = 1;`, says };
    }),
  );
}

/** The contract of a case before or after its change, in its own package. */
export function sourceOf(one: Case, version: 'before' | 'after', packageName: string): string {
  const { syntax = 'syntax = "proto3";', methods: [earlier, later] = [GO, GO] } = one;
  const label = syntax === PROTO2 ? 'optional ' : '';
  return `${syntax} package ${packageName};
    service S { ${version === 'before' ? earlier : later} }
    message A { ${one[version]} }
    message M { ${label}int32 a = 1; }
    enum E { E_0 = 0; E_1 = 1; }`;
}
