/** Changes of a message that is stored: those that would be misread are named, and no others. */
import { createFileRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, expect, it } from '@jest/globals';
import { misread } from '../src/rollout/contracts.js';
import { compile } from './compile.js';

const BEFORE =
  'string name = 1; int32 count = 2; repeated string tags = 3; Place place = 4; bool done = 5; double sum = 6;';
const PLACE = 'string town = 1;';

/** What replaces a part of {@link BEFORE} or {@link PLACE}, and what is found. */
const HARMFUL: readonly (readonly [string, string, string])[] = [
  ['string name', 'int64 name', 'Stored.name was string, and is integer'],
  ['string name', 'bytes name', 'Stored.name was string, and is bytes'],
  ['int32 count', 'sint32 count', 'Stored.count was integer, and is sint32'],
  ['int32 count', 'fixed32 count', 'Stored.count was integer, and is fixed32'],
  ['double sum', 'float sum', 'Stored.sum was double, and is float'],
  ['repeated string tags', 'string tags', 'Stored.tags was a list of string, and is string'],
  ['string name', 'repeated string name', 'Stored.name was string, and is a list of string'],
  ['Place place', 'string place', 'Stored.place was message, and is string'],
  ['repeated string tags', 'map<string, string> tags', 'Stored.tags was a list of string, and is a map of message'],
  ['string town = 1', 'int32 town = 1', 'Place.town was string, and is integer'],
  ['name = 1; int32 count = 2', 'name = 2; int32 count = 1', 'Stored.name was string, and is integer'],
];
const HARMLESS: readonly (readonly [string, string])[] = [
  ['string name', 'string title'],
  ['int32 count', 'int64 count'],
  ['int32 count', 'bool count'],
  ['bool done', 'uint32 done'],
  ['bool done = 5;', ''],
  ['bool done', 'string more = 7; bool done'],
  ['string town', 'string zip = 2; string town'],
  ['string name', 'optional string name'],
];

let types: readonly (DescMessage | undefined)[];
const changes: readonly (readonly [string, string, string?])[] = [...HARMFUL, ...HARMLESS];
beforeAll(async () => {
  const sources = [['', ''] as const, ...changes].map(([part, change], index) => {
    const fields = `message Stored { ${BEFORE} } message Place { ${PLACE} }`.replace(part, change);
    return [`c${index}.proto`, `syntax = "proto3"; package c${index}; ${fields}`] as const;
  });
  const set = fromBinary(FileDescriptorSetSchema, await compile(Object.fromEntries(sources)));
  const files = createFileRegistry(set);
  types = sources.map((_, index) => files.getMessage(`c${index}.Stored`));
});

it.each(changes.map(([part, change, found], index) => ({ part, change, found, index })))(
  '$part becomes $change: $found',
  ({ found, index }) => {
    const [before, after] = [types[0], types[index + 1]];
    expect(before && after && [misread(before, after)]).toEqual([found]);
  },
);
