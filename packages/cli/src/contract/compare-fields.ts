import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { type Difference, type Found, instead, type TypePair } from './difference.js';
import { cardinality, isDelimited, typeInWords } from './field-type.js';

/** Scalars that are written alike and read as one another, on the wire and in JSON. */
const ALIKE: readonly ReadonlySet<ScalarType>[] = [
  new Set([ScalarType.INT32, ScalarType.UINT32]),
  new Set([ScalarType.INT64, ScalarType.UINT64]),
  new Set([ScalarType.FIXED32, ScalarType.SFIXED32]),
  new Set([ScalarType.FIXED64, ScalarType.SFIXED64]),
];

/** Compares two versions of the field that has one number. */
export function compareFields(before: DescField, after: DescField): Found {
  const fits = cardinality(before) === cardinality(after) && keysFit(before, after) && elementsFit(before, after);
  const name = `${after.parent.typeName}.${after.name}`;
  const type = { is: typeInWords(after), was: `${typeInWords(before)} (field ${after.number})` };
  const defaults = { is: defaultOf(after), was: defaultOf(before) };
  const retyped = typeInWords(before) !== typeInWords(after);
  return {
    differences: [
      ...compareNames(before, after),
      ...(retyped ? [instead(fits ? 'changed' : 'incompatible', name, type)] : []),
      ...differing('incompatible', name, { is: oneofOf(after), was: oneofOf(before) }),
      ...(fits ? differing('incompatible', `the default of ${name}`, defaults) : []),
    ],
    types: fits ? elementTypes(before, after) : [],
  };
}

function compareNames(before: DescField, after: DescField): readonly Difference[] {
  const field = `field ${after.number} of ${after.parent.typeName}`;
  if (before.name !== after.name) return [instead('incompatible', field, { is: after.name, was: before.name })];
  const names = { is: after.jsonName, was: before.jsonName };
  return differing('incompatible', `${after.parent.typeName}.${after.name} in JSON`, names);
}

function differing(
  kind: 'incompatible' | 'changed',
  name: string,
  values: Readonly<Record<'is' | 'was', string>>,
): readonly Difference[] {
  return values.is === values.was ? [] : [instead(kind, name, values)];
}

function keysFit(before: DescField, after: DescField): boolean {
  if (before.fieldKind !== 'map' || after.fieldKind !== 'map') return true;
  return alike(before.mapKey, after.mapKey);
}

/** Whether one value of each is read as the other, as far as the field tells: their types have yet to be compared. */
function elementsFit(before: DescField, after: DescField): boolean {
  if (before.message !== undefined && after.message !== undefined) {
    return before.message.typeName === after.message.typeName && isDelimited(before) === isDelimited(after);
  }
  // An enum that moved is the same by its own name; its values tell.
  if (before.enum !== undefined && after.enum !== undefined) return before.enum.name === after.enum.name;
  return before.scalar !== undefined && after.scalar !== undefined && alike(before.scalar, after.scalar);
}

function alike(one: ScalarType, other: ScalarType): boolean {
  return one === other || ALIKE.some((group) => group.has(one) && group.has(other));
}

function elementTypes(before: DescField, after: DescField): readonly TypePair[] {
  if (before.message !== undefined && after.message !== undefined) return [[before.message, after.message]];
  if (before.enum !== undefined && after.enum !== undefined) return [[before.enum, after.enum]];
  return [];
}

function oneofOf({ oneof }: DescField): string {
  return oneof === undefined ? 'in no oneof' : `in oneof ${oneof.name}`;
}

/** What a reader finds where the field isn't set. */
function defaultOf(field: DescField): string {
  if (field.fieldKind === 'enum') return String(field.getDefaultValue() ?? field.enum.values[0]?.number ?? 0);
  if (field.fieldKind !== 'scalar') return '';
  const value = field.getDefaultValue() ?? '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64') || 'empty';
  return String(value || 'empty');
}
