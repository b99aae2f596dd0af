/** Prints the descriptor of `buf.validate` as the source of a `.proto` file, as its package has it only in compiled form. */
import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  getOption,
  hasOption,
  isMessage,
  ScalarType,
} from '@bufbuild/protobuf';
import { isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { Edition, FeatureSet_FieldPresence, FieldDescriptorProto_Label as Label } from '@bufbuild/protobuf/wkt';

/** The source of a file. It compiles to the same descriptor; comments are not part of one. */
export function printProto(file: DescFile): string {
  const extensions = [...file.dependencies, file].flatMap((one) => one.extensions);
  const parts = [
    `syntax = "proto2";\n\npackage ${file.proto.package};`,
    file.proto.dependency.map((name) => `import "${name}";`).join('\n'),
    optionsOf(file.proto.options, undefined, [])
      .map((option) => `option ${option};`)
      .join('\n'),
    ...extendsOf(file.extensions, extensions),
    ...file.messages.map((message) => messageOf(message, extensions).join('\n')),
    ...file.enums.map((one) => enumOf(one).join('\n')),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function* extendsOf(declared: Extensions, extensions: Extensions): Generator<string> {
  for (const extendee of new Set(declared.map((one) => one.extendee))) {
    const fields = declared.filter((one) => one.extendee === extendee);
    yield [`extend ${extendee.typeName} {`, ...fields.map((one) => `  ${fieldOf(one, extensions)}`), '}'].join('\n');
  }
}

type Extensions = readonly DescExtension[];

function messageOf(message: DescMessage, extensions: Extensions): readonly string[] {
  const { proto } = message;
  const lines = [
    ...message.nestedEnums.flatMap(enumOf),
    ...message.nestedMessages.flatMap((nested) => messageOf(nested, extensions)),
    ...message.members.flatMap((member) =>
      member.kind === 'oneof'
        ? [`oneof ${member.name} {`, ...member.fields.map((field) => `  ${fieldOf(field, extensions, '')}`), '}']
        : [fieldOf(member, extensions)],
    ),
    ...reservedOf(proto),
    ...proto.extensionRange.map(({ start, end }) => `extensions ${start} to ${end > 536870911 ? 'max' : end - 1};`),
  ];
  return [`message ${message.name} {`, ...indented(lines), '}'];
}

/** The ranges of a message exclude their end; those of an enum include it. */
function reservedOf(
  { reservedRange, reservedName }: DescMessage['proto'] | DescEnum['proto'],
  excluded = 1,
): readonly string[] {
  const ranges = reservedRange.map(({ start, end }) =>
    end - excluded === start ? `${start}` : `${start} to ${end - excluded}`,
  );
  return [
    ...(ranges.length > 0 ? [`reserved ${ranges.join(', ')};`] : []),
    ...(reservedName.length > 0 ? [`reserved ${reservedName.map((name) => JSON.stringify(name)).join(', ')};`] : []),
  ];
}

function fieldOf(field: DescField | DescExtension, extensions: Extensions, label = labelOf(field)): string {
  const { proto } = field;
  const options = optionsOf(proto.options, field, extensions);
  const suffix = options.length === 0 ? '' : ` [${options.join(', ')}]`;
  return `${label}${typeOf(field)} ${proto.name} = ${proto.number}${suffix};`;
}

/** `optional `, `repeated ` or nothing. */
export function labelOf({ proto, fieldKind, parent, presence }: DescField | DescExtension): string {
  if (fieldKind === 'map') return '';
  if (proto.label === Label.REPEATED) return 'repeated ';
  if (proto.label === Label.REQUIRED) return 'required ';
  const isProto2 = parent === undefined || parent.file.edition === Edition.EDITION_PROTO2;
  return proto.proto3Optional || (isProto2 && presence === FeatureSet_FieldPresence.EXPLICIT) ? 'optional ' : '';
}

/** The type of a field: `string`, `map<string, int32>`. */
export function typeOf(field: DescField | DescExtension): string {
  return field.fieldKind === 'map' ? `map<${scalarOf(field.mapKey)}, ${valueTypeOf(field)}>` : valueTypeOf(field);
}

const valueTypeOf = (field: DescField | DescExtension) =>
  field.message?.typeName ?? field.enum?.typeName ?? scalarOf(field.scalar);

const scalarOf = (scalar: ScalarType = ScalarType.STRING) => String(ScalarType[scalar]).toLowerCase();

function enumOf({ name, values, proto }: DescEnum): readonly string[] {
  const lines = [...values.map((value) => `${value.name} = ${value.number};`), ...reservedOf(proto, 0)];
  return [`enum ${name} {`, ...indented(lines), '}'];
}

/** The options of a declaration, each as `name = value`. */
function optionsOf(
  options: object | undefined,
  declaration: DescField | DescExtension | undefined,
  extensions: Extensions,
): readonly string[] {
  if (options === undefined) return [];
  const known = Object.entries(options).filter(
    ([name, value]) => !name.startsWith('$') && !(Array.isArray(value) && value.length === 0),
  );
  const custom =
    declaration === undefined
      ? []
      : extensions
          .filter((one) => hasOption(declaration, one))
          .map((one) => `(${one.typeName}) = ${customValue(one, getOption(declaration, one))}`);
  return [...known.map(([name, value]) => `${snake(name)} = ${optionValue(value)}`), ...custom];
}

const optionValue = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value) : String(value));

const customValue = ({ message }: DescExtension, value: unknown) =>
  message !== undefined && isMessage(value, message) ? aggregate(reflect(message, value)) : optionValue(value);

/** A message in the text format. */
function aggregate(view: ReflectMessage): string {
  const parts = view.fields
    .filter((field) => view.isSet(field))
    .flatMap((field) => {
      const values = field.fieldKind === 'list' ? [...view.get(field)] : [view.get(field)];
      return values.map((one) => `${field.name}: ${isReflectMessage(one) ? aggregate(one) : optionValue(one)}`);
    });
  return `{${parts.join(' ')}}`;
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
