import { type DescField, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence as Presence } from '@bufbuild/protobuf/wkt';

/** Whether a message without the field is refused. */
export function isRequired({ presence }: DescField): boolean {
  return presence === Presence.LEGACY_REQUIRED;
}

/** How often a field's value may stand in a message; what differs in it misreads each other. */
export function cardinality(field: DescField): 'one' | 'required' | 'list' | 'map' {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') return field.fieldKind;
  return isRequired(field) ? 'required' : 'one';
}

/** A field's type as a contract has it: `repeated sales.v1.Line`, `map<string, int64>`. */
export function typeInWords(field: DescField): string {
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

/** The type of one value: of an entry where the field has many. */
function elementInWords(field: DescField): string {
  if (field.message !== undefined) return `${isDelimited(field) ? 'delimited ' : ''}${field.message.typeName}`;
  return field.enum === undefined ? scalarName(field.scalar) : field.enum.typeName;
}

/** Whether its messages stand between tags, as groups do. */
export function isDelimited(field: DescField): boolean {
  return 'delimitedEncoding' in field && field.delimitedEncoding;
}

/** A scalar as contracts call it. */
export function scalarName(scalar: ScalarType): string {
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
