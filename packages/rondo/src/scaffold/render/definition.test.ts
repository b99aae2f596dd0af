import { expect, it } from '@jest/globals';
import { describeTable } from '@rondo/resources/sql';
import { define } from './definition.js';

const TYPES = ['google.protobuf.Timestamp', 'google.type.Date', 'google.type.Money', 'google.type.Decimal', 'string'];
const required = TYPES.map((type, index) => ({
  key: `one${index}`,
  name: `one_${index}`,
  type,
  behavior: ['REQUIRED'],
}));
const optional = TYPES.map((type, index) => ({ key: `other${index}`, name: `other_${index}`, type }));
const state = { key: 'mood', name: 'mood', type: 'x.Mood', values: [[0, 'NONE'] as const, [1, 'GOOD'] as const] };
const description = {
  pattern: 'rooms/{room}',
  fields: [
    ...required,
    ...optional,
    { key: 'removed', name: 'removed', type: 'bool' },
    { ...state, behavior: ['REQUIRED'] },
    { ...state, key: 'calm', name: 'calm' },
  ],
};
const resource = { $type: 'x.Room', resource: description };
const contract = {
  type: 'x.Room',
  message: 'Room',
  module: 'x',
  kind: 'x/Room',
  methods: [],
  sample: undefined,
  One: 'Room',
  one: 'room',
  many: 'rooms',
  description,
  references: new Map(),
  describeTable: (options: Parameters<typeof describeTable>[1]) => describeTable(resource, options),
};
const defined = define({ contract, value: 'rooms', table: 'rooms', unique: [] }, []);

it('makes the columns of required fields NOT NULL, and only those', () => {
  const nullable = defined.described.create
    .match(/^ {2}\w+(?= (?!.*NOT NULL|.*GENERATED))/gm)
    ?.map((one) => one.trim());
  expect(nullable?.sort()).toEqual(
    ['PRIMARY', 'other_0', 'other_1', 'other_2_currency', 'other_2_nanos', 'other_3', 'calm'].sort(),
  );
});

it('sorts lists by required texts, times and dates', () => {
  expect(defined.sort).toEqual(['one0', 'one1', 'one4']);
});

it('gives fields no columns with the name of a mark in changes', () => {
  expect(defined.columns).toEqual(["removed: 'removed_value'"]);
});
