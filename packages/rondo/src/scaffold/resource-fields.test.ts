import { expect, it } from '@jest/globals';
import { renderResourceContract } from './render/resource-contract.js';
import { readFields } from './resource-fields.js';

it('reads names, types, lists and marks', () => {
  const plain = { of: [], repeated: false, required: false, unique: false, immutable: false };
  expect(
    readFields('display_name:string! sku:string!@unique@immutable tags:string[] state:enum(A, B_C) book:ref(book)'),
  ).toEqual([
    { ...plain, name: 'display_name', type: 'string', required: true },
    { ...plain, name: 'sku', type: 'string', required: true, unique: true, immutable: true },
    { ...plain, name: 'tags', type: 'string', repeated: true },
    { ...plain, name: 'state', type: 'enum', of: ['A', 'B_C'] },
    { ...plain, name: 'book', type: 'ref', of: ['book'] },
  ]);
  expect(readFields('')).toEqual([]);
});

it.each([
  ['title', '"title" is no field; write NAME:TYPE'],
  ['title:', '"title:" is no field'],
  [':string', 'has the name ""; use lower-case words joined by _'],
  ['displayName:string', 'has the name "displayName"; use lower-case words joined by _'],
  ['etag:string', 'is a field that every resource has; leave it out'],
  ['title:text', 'has the type "text"; choose string, bool,'],
  ['title:string(A)', 'has values, which string takes none of; write title:string'],
  ['state:enum', 'needs values in capitals; write state:enum(ACTIVE,RETIRED)'],
  ['state:enum(a)', 'needs values in capitals'],
  ['book:ref', 'needs the resource that it refers to; write book:ref(book)'],
  ['title:string@unike', 'has the mark "@unike"; choose @unique or @immutable'],
  ['pages:int32@unique', 'is unique, which only a string can be; leave @unique out'],
  ['title:string title:bool', '"title" is there twice; rename one of the two'],
  ['title:string(', '"title:string(" is no field'],
])('refuses %s', (text, reason) => {
  expect(() => readFields(text)).toThrow(reason);
});

it('makes required numbers and booleans optional, as their zero would count as unset', () => {
  const fields = readFields('stock:int32! sold:bool! title:string! pages:int32 state:enum(A)! sizes:int32[]!');
  const book = {
    package: 'shop.v1',
    service: 'shop',
    name: 'book',
    plural: 'books',
    parent: '',
    references: new Map(),
  };
  const [, message = ''] = /^message Book {(.*?)^}/ms.exec(renderResourceContract({ ...book, fields })) ?? [];
  const required = message.split(';').filter((field) => field.includes('REQUIRED'));
  expect(required.map((field) => /(?:\w+ )*(?==)/.exec(field)?.[0].trim())).toEqual([
    'optional int32 stock',
    'optional bool sold',
    'string title',
    'BookState state',
    'repeated int32 sizes',
  ]);
});
