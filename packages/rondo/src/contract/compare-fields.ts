import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence as Presence } from '@bufbuild/protobuf/wkt';
import { type Difference, type Found, instead, type TypePair } from './difference.js';

/** Scalars that can be read as each other, on the wire and in JSON. */
const ALIKE: readonly ReadonlySet<ScalarType>[] = [
  new Set([ScalarType.INT32, ScalarType.UINT32]),
  new Set([ScalarType.INT64, ScalarType.UINT64]),
  new Set([ScalarType.FIXED32, ScalarType.SFIXED32]),
  new Set([ScalarType.FIXED64, ScalarType.SFIXED64]),
];

/** Compares two versions of a field; both have the same number. */
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

/** Whether a value of one field can be read as a value of the other. The types of messages and enums are compared later. */
function elementsFit(before: DescField, after: DescField): boolean {
  if (before.message !== undefined && after.message !== undefined) {
    return before.message.typeName === after.message.typeName && isDelimited(before) === isDelimited(after);
  }
  // An enum that moved to another file or message keeps its short name. Its values are compared later.
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

/** The value that a reader finds if the field isn't set. */
function defaultOf(field: DescField): string {
  if (field.fieldKind === 'enum') return String(field.getDefaultValue() ?? field.enum.values[0]?.number ?? 0);
  if (field.fieldKind !== 'scalar') return '';
  const value = field.getDefaultValue() ?? '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64') || 'empty';
  return String(value || 'empty');
}

/** Whether a message without the field is refused. */
export function isRequired({ presence }: DescField): boolean {
  return presence === Presence.LEGACY_REQUIRED;
}

/** The cardinality of a field. Versions with different cardinalities misread each other. */
function cardinality(field: DescField): 'one' | 'required' | 'list' | 'map' {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') return field.fieldKind;
  return isRequired(field) ? 'required' : 'one';
}

/** A field's type as a contract writes it: `repeated sales.v1.Line`, `map<string, int64>`. */
function typeInWords(field: DescField): string {
  switch (field.fieldKind) {
    case 'map':
      return `map<${scalarName(field.mapKey)}, ${elementInWords(field)}>`;
    case 'list':
      return `repeated ${elementInWords(field)}${packing(field)}`;
    case 'message':
      return `${isRequired(field) ? 'required ' : ''}${elementInWords(field)}`;
    default:
      return `${presence(field)}${elementInWords(field)}`;
  }
}

/** The type of one value of a field. */
function elementInWords(field: DescField): string {
  if (field.message !== undefined) return `${isDelimited(field) ? 'delimited ' : ''}${field.message.typeName}`;
  return field.enum === undefined ? scalarName(field.scalar) : field.enum.typeName;
}

/** Whether its messages are delimited by tags, as groups are. */
function isDelimited(field: DescField): boolean {
  return 'delimitedEncoding' in field && field.delimitedEncoding;
}

/** The name of a scalar in contracts. */
function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

function presence({ presence: kind, oneof }: DescField): string {
  if (kind === Presence.LEGACY_REQUIRED) return 'required ';
  return kind === Presence.EXPLICIT && oneof === undefined ? 'optional ' : '';
}

function packing(field: DescField): string {
  if (field.fieldKind !== 'list' || field.packed || field.message !== undefined) return '';
  const packable = field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES;
  return packable ? ' [packed = false]' : '';
}
