import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { compareFields } from './compare-fields.js';
import { type Difference, type Found, instead, pair } from './difference.js';
import { isRequired } from './field-type.js';
import { jsonFormat } from './json-format.js';

/** Compares two versions of a message; the types of its fields are left to whoever asked. */
export function compareMessages(before: DescMessage, after: DescMessage): Found {
  const { both, removed, added } = pair(before.fields, after.fields, ({ number }) => number);
  const found = both.map(([one, other]) => compareFields(one, other));
  const moved = removed.flatMap((field) => {
    const now = added.find((candidate) => sameName(candidate, field));
    return now === undefined ? [] : [{ from: field, to: now }];
  });
  const json = { is: jsonFormat(after), was: jsonFormat(before) };
  return {
    differences: [
      ...found.flatMap(({ differences }) => differences),
      ...moved.map(({ from, to }) => instead('incompatible', nameOf(to), { is: place(to), was: place(from) })),
      ...added.filter((field) => moved.every(({ to }) => to !== field)).map(addition),
      ...removed.filter((field) => moved.every(({ from }) => from !== field)).map(removal),
      ...(json.is === json.was ? [] : [instead('incompatible', `the JSON of ${after.typeName}`, json)]),
    ],
    types: found.flatMap(({ types }) => types),
  };
}

/** Whoever has a required field refuses messages without it. */
function addition(field: DescField): Difference {
  if (!isRequired(field)) return { kind: 'added', text: `field ${nameOf(field)}` };
  return instead('incompatible', nameOf(field), { is: 'required', was: 'missing' });
}

function removal(field: DescField): Difference {
  if (!isRequired(field)) return { kind: 'removed', text: `field ${nameOf(field)}` };
  return instead('incompatible', nameOf(field), { is: 'missing', was: 'required' });
}

function sameName(one: DescField, other: DescField): boolean {
  return one.name === other.name || one.jsonName === other.jsonName;
}

function nameOf({ parent, name }: DescField): string {
  return `${parent.typeName}.${name}`;
}

function place({ number }: DescField): string {
  return `field ${number}`;
}
