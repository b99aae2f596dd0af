import type { DescEnum, DescMessage } from '@bufbuild/protobuf';
import { Edition, FeatureSet_JsonFormat as JsonFormat } from '@bufbuild/protobuf/wkt';
import { type Difference, instead, pair } from './difference.js';

/** A number of an enum, and its names. */
interface Value {
  readonly number: number;
  readonly names: readonly string[];
}

/** Compares two versions of an enum. */
export function compareEnums(before: DescEnum, after: DescEnum): readonly Difference[] {
  const { both, removed, added } = pair(valuesOf(before), valuesOf(after), ({ number }) => number);
  const differences: Difference[] = both.flatMap(([one, other]) => compareNames(one, other, after.typeName));
  const moved = new Set<string>();
  for (const { number, names } of removed) {
    for (const name of names) {
      const now = after.values.find((value) => value.name === name);
      const text = `${after.typeName}.${name}`;
      if (now !== undefined) moved.add(name);
      differences.push(
        now === undefined
          ? { kind: 'removed', text: `value ${text}` }
          : instead('incompatible', text, { is: String(now.number), was: String(number) }),
      );
    }
  }
  for (const name of added.flatMap(({ names }) => names).filter((candidate) => !moved.has(candidate))) {
    differences.push({ kind: 'added', text: `value ${after.typeName}.${name}` });
  }
  const open = { is: openness(after), was: openness(before) };
  const json = { is: jsonFormat(after), was: jsonFormat(before) };
  if (open.is !== open.was) differences.push(instead('changed', after.typeName, open));
  if (json.is !== json.was) differences.push(instead('incompatible', `the JSON of ${after.typeName}`, json));
  return differences;
}

function compareNames(before: Value, after: Value, type: string): readonly Difference[] {
  const removed = before.names.filter((name) => !after.names.includes(name));
  const added = after.names.filter((name) => !before.names.includes(name));
  if (removed.length > 0 && added.length > 0) {
    const names = { is: after.names.join(', '), was: before.names.join(', ') };
    return [instead('incompatible', `value ${after.number} of ${type}`, names)];
  }
  return [
    ...added.map((name) => ({ kind: 'added' as const, text: `value ${type}.${name}` })),
    ...removed.map((name) => ({ kind: 'removed' as const, text: `value ${type}.${name}` })),
  ];
}

/** The values by number, as two names may share a number. */
function valuesOf({ values }: DescEnum): readonly Value[] {
  const names = new Map<number, string[]>();
  for (const { number, name } of values) names.set(number, [...(names.get(number) ?? []), name]);
  return [...names].map(([number, all]) => ({ number, names: all.sort() }));
}

function openness({ open }: DescEnum): string {
  return open ? 'open' : 'closed';
}

/** The JSON format feature of a type: `strict` by default, `best effort` by default in proto2. */
export function jsonFormat(type: DescEnum | DescMessage): 'strict' | 'best effort' {
  for (let at: DescEnum | DescMessage | undefined = type; at !== undefined; at = at.parent) {
    const said = inWords(at.proto.options?.features?.jsonFormat);
    if (said !== undefined) return said;
  }
  const fallback = type.file.edition === Edition.EDITION_PROTO2 ? 'best effort' : 'strict';
  return inWords(type.file.proto.options?.features?.jsonFormat) ?? fallback;
}

function inWords(format: JsonFormat | undefined): 'strict' | 'best effort' | undefined {
  if (format === JsonFormat.ALLOW) return 'strict';
  return format === JsonFormat.LEGACY_BEST_EFFORT ? 'best effort' : undefined;
}
