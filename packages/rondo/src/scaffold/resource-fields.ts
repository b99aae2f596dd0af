import { Refusal } from './errors.js';
import { snakeCase } from './words.js';

export interface NewField {
  /** As in the contract: `display_name`. */
  readonly name: string;
  /** A type of {@link TYPES}, `enum` or `ref`. */
  readonly type: string;
  /** The values of an enum, or the resource that a reference is to. */
  readonly of: readonly string[];
  readonly repeated: boolean;
  readonly required: boolean;
  readonly unique: boolean;
  readonly immutable: boolean;
}

/** The types of fields, as the contract spells them. */
export const TYPES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['string', 'bool', 'bytes', 'int32', 'int64', 'uint64', 'float', 'double'].map((type) => [type, type]),
  ),
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  date: 'google.type.Date',
  money: 'google.type.Money',
  decimal: 'google.type.Decimal',
};

const FIELD = /^([^:]*):([a-z0-9]*)(?:\(([^)]*)\))?(\[\])?(!)?((?:@\w*)*)$/;
const NAME = /^[a-z][a-z0-9]*(?:_[a-z][a-z0-9]*)*$/;
/** The fields that every resource has. */
const OWN = ['name', 'etag', 'create_time', 'update_time', 'delete_time'];
const EXAMPLE = 'display_name:string! email:string@unique tags:string[] status:enum(ACTIVE,RETIRED) book:ref(book)';

/**
 * Reads the fields of a new resource, such as `display_name:string! email:string@unique`.
 *
 * @throws Refusal with the field, the rule that it breaks, and the remedy.
 */
export function readFields(text: string): readonly NewField[] {
  const fields = (text.match(/(?:[^\s(]|\([^)]*\)|\()+/g) ?? []).map(readField);
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refused(twice, 'is there twice', 'rename one of the two');
  return fields;
}

const refused = (field: string, reason: string, remedy: string) =>
  new Refusal(`--fields: "${field}" ${reason}`, { remedy });

function readField(text: string): NewField {
  const [, name = '', type = '', inside, list, required, marks = ''] = FIELD.exec(text) ?? [];
  if (type === '') throw refused(text, 'is no field', `write NAME:TYPE, as in ${EXAMPLE}`);
  if (!NAME.test(name))
    throw refused(text, `has the name "${name}"`, 'use lower-case words joined by _, such as display_name');
  if (OWN.includes(name)) throw refused(text, 'is a field that every resource has', 'leave it out, or rename it');
  const of = (inside ?? '').split(',').flatMap((one) => one.trim() || []);
  if (type === 'enum') {
    if (of.length === 0 || of.some((one) => !/^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(one)))
      throw refused(text, 'needs values in capitals', `write ${name}:enum(ACTIVE,RETIRED)`);
  } else if (type === 'ref') {
    if (of.length !== 1) throw refused(text, 'needs the resource that it refers to', `write ${name}:ref(${name})`);
  } else if (TYPES[type] === undefined) {
    throw refused(text, `has the type "${type}"`, `choose ${Object.keys(TYPES).join(', ')}, enum(A,B) or ref(NAME)`);
  } else if (inside !== undefined) {
    throw refused(text, `has values, which ${type} takes none of`, `write ${name}:${type}`);
  }
  const [unique, immutable] = ['@unique', '@immutable'].map((mark) => marks.includes(mark));
  const unknown = marks.split('@').find((mark) => !['', 'unique', 'immutable'].includes(mark));
  if (unknown !== undefined || /@(?:@|$)/.test(marks))
    throw refused(text, `has the mark "@${unknown ?? ''}"`, 'choose @unique or @immutable');
  if (unique === true && (type !== 'string' || list !== undefined))
    throw refused(text, 'is unique, which only a string can be', 'leave @unique out');
  return {
    name,
    type,
    repeated: list !== undefined,
    required: required !== undefined,
    of: type === 'ref' ? of.map(snakeCase) : of,
    unique: unique === true,
    immutable: immutable === true,
  };
}
