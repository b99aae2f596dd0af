import type { DescField, DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt';
import { compareEnums, jsonFormat } from './compare-enums.js';
import { compareFields, isRequired } from './compare-fields.js';
import { type Difference, type Found, instead, pair, type TypePair } from './difference.js';

/**
 * Compares two versions of a service's contract: its methods, and all messages and enums that both reach.
 *
 * A difference is incompatible if buf's `WIRE_JSON` rules refuse it, in either direction. Two exceptions: a part that only one
 * version has is added or removed, as the other doesn't rely on it; a name that moved to another number is incompatible.
 *
 * Source: https://buf.build/docs/breaking/rules/
 */
export function compareContracts(before: DescService, after: DescService): readonly Difference[] {
  const { both, removed, added } = pair(before.methods, after.methods, ({ name }) => name);
  const found = both.map(([one, other]) => compareMethods(one, other));
  return [
    ...found.flatMap(({ differences }) => differences),
    ...added.map(({ name }) => ({ kind: 'added' as const, text: `method ${name}` })),
    ...removed.map(({ name }) => ({ kind: 'removed' as const, text: `method ${name}` })),
    ...compareTypes(found.flatMap(({ types }) => types)),
  ].map(shortener(after));
}

function compareTypes(reached: readonly TypePair[]): readonly Difference[] {
  const differences: Difference[] = [];
  // The map grows during the iteration, which then visits the new entries too.
  const pairs = new Map(reached.map((types) => [keyOf(types), types]));
  for (const types of pairs.values()) {
    const found = compareType(types);
    differences.push(...found.differences);
    for (const next of found.types) if (!pairs.has(keyOf(next))) pairs.set(keyOf(next), next);
  }
  return differences;
}

function compareType([before, after]: TypePair): Found {
  if (before.kind === 'message' && after.kind === 'message') return compareMessages(before, after);
  if (before.kind === 'enum' && after.kind === 'enum') return { differences: compareEnums(before, after), types: [] };
  return { differences: [], types: [] };
}

function keyOf([before, after]: TypePair): string {
  return `${before.typeName} ${after.typeName}`;
}

function compareMethods(before: DescMethod, after: DescMethod): Found {
  const name = `method ${after.name}`;
  const [was, is] = [signature(before), signature(after)];
  if (was !== is) return { differences: [instead('incompatible', name, { is, was })], types: [] };
  const types: readonly TypePair[] = [
    [before.input, after.input],
    [before.output, after.output],
  ];
  const levels = { is: Idempotency[after.idempotency], was: Idempotency[before.idempotency] };
  return { differences: levels.is === levels.was ? [] : [instead('incompatible', name, levels)], types };
}

function signature({ methodKind, input, output }: DescMethod): string {
  const request = methodKind === 'client_streaming' || methodKind === 'bidi_streaming' ? 'stream ' : '';
  const reply = methodKind === 'server_streaming' || methodKind === 'bidi_streaming' ? 'stream ' : '';
  return `(${request}${input.typeName}) returns (${reply}${output.typeName})`;
}

/** Removes the service's own package from names. */
function shortener({ file }: DescService): (difference: Difference) => Difference {
  const prefix = new RegExp(`(?<![\\w.])${file.proto.package.replaceAll('.', '\\.')}\\.(?=\\w)`, 'g');
  return ({ kind, text }) => ({ kind, text: text.replace(prefix, '') });
}

/** Compares two versions of a message. The caller compares the types of its fields. */
function compareMessages(before: DescMessage, after: DescMessage): Found {
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

/** A new required field is incompatible: a reader that requires a field refuses messages without it. */
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
