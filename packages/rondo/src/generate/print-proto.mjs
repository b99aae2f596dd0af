/** Prints a descriptor as the source of a `.proto` file, for contracts that a package has only in compiled form. */
import { getOption, hasOption, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { Edition, FeatureSet_FieldPresence, FieldDescriptorProto_Label as Label } from '@bufbuild/protobuf/wkt';

/**
 * The source of a file. It compiles to the same descriptor; comments are not part of one.
 * @param {import('@bufbuild/protobuf').DescFile} file
 * @returns {string}
 */
export function printProto(file) {
  const extensions = [...file.dependencies, file].flatMap((one) => one.extensions);
  const parts = [
    `${syntaxOf(file)}\n\npackage ${file.proto.package};`,
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

function syntaxOf({ edition }) {
  if (edition === Edition.EDITION_PROTO2) return 'syntax = "proto2";';
  if (edition === Edition.EDITION_PROTO3) return 'syntax = "proto3";';
  return `edition = "${Edition[edition].replace('EDITION_', '')}";`;
}

function* extendsOf(declared, extensions) {
  for (const extendee of new Set(declared.map((one) => one.extendee))) {
    const fields = declared.filter((one) => one.extendee === extendee);
    yield [`extend ${extendee.typeName} {`, ...fields.map((one) => `  ${fieldOf(one, extensions)}`), '}'].join('\n');
  }
}

function messageOf(message, extensions) {
  const { proto } = message;
  const lines = [
    ...message.nestedEnums.flatMap(enumOf),
    ...message.nestedMessages.flatMap((nested) => messageOf(nested, extensions)),
    ...message.members.flatMap((member) =>
      member.kind === 'oneof'
        ? [`oneof ${member.name} {`, ...indented(oneofOf(member, extensions)), '}']
        : [fieldOf(member, extensions)],
    ),
    ...reservedOf(proto),
    ...proto.extensionRange.map(({ start, end }) => `extensions ${start} to ${end > 536870911 ? 'max' : end - 1};`),
  ];
  return [`message ${message.name} {`, ...indented(lines), '}'];
}

function oneofOf(oneof, extensions) {
  const options = optionsOf(oneof.proto.options, oneof, extensions).map((option) => `option ${option};`);
  return [...options, ...oneof.fields.map((field) => fieldOf(field, extensions, { inOneof: true }))];
}

/** The ranges of a message exclude their end; those of an enum include it. */
function reservedOf({ reservedRange, reservedName }, excluded = 1) {
  const ranges = reservedRange.map(({ start, end }) =>
    end - excluded === start ? `${start}` : `${start} to ${end - excluded}`,
  );
  return [
    ...(ranges.length > 0 ? [`reserved ${ranges.join(', ')};`] : []),
    ...(reservedName.length > 0 ? [`reserved ${reservedName.map((name) => JSON.stringify(name)).join(', ')};`] : []),
  ];
}

function fieldOf(field, extensions, { inOneof = false } = {}) {
  const { proto } = field;
  const options = [
    ...(proto.defaultValue === '' ? [] : [`default = ${proto.defaultValue}`]),
    ...optionsOf(proto.options, field, extensions),
  ];
  const suffix = options.length === 0 ? '' : ` [${options.join(', ')}]`;
  return `${inOneof ? '' : labelOf(field)}${typeOf(field)} ${proto.name} = ${proto.number}${suffix};`;
}

function labelOf({ proto, fieldKind, parent, presence }) {
  if (fieldKind === 'map') return '';
  if (proto.label === Label.REPEATED) return 'repeated ';
  if (proto.label === Label.REQUIRED) return 'required ';
  const isProto2 = (parent?.file ?? undefined)?.edition === Edition.EDITION_PROTO2 || parent === undefined;
  return proto.proto3Optional || (isProto2 && presence === FeatureSet_FieldPresence.EXPLICIT) ? 'optional ' : '';
}

function typeOf(field) {
  if (field.fieldKind === 'map') return `map<${scalarOf(field.mapKey)}, ${valueTypeOf(field, field.mapKind)}>`;
  return valueTypeOf(field, field.fieldKind === 'list' ? field.listKind : field.fieldKind);
}

function valueTypeOf(field, kind) {
  if (kind === 'message') return field.message.typeName;
  return kind === 'enum' ? field.enum.typeName : scalarOf(field.scalar);
}

const scalarOf = (scalar) => ScalarType[scalar].toLowerCase();

function enumOf({ name, values, proto }) {
  const lines = [...values.map((value) => `${value.name} = ${value.number};`), ...reservedOf(proto, 0)];
  return [`enum ${name} {`, ...indented(lines), '}'];
}

/** The options of a declaration, each as `name = value`. */
function optionsOf(options, declaration, extensions) {
  if (options === undefined) return [];
  const known = Object.entries(options).filter(
    ([name, value]) => !name.startsWith('$') && !(Array.isArray(value) && value.length === 0),
  );
  const custom = declaration === undefined ? [] : extensions.filter((one) => hasOption(declaration, one));
  return [
    ...known.map(([name, value]) => `${snake(name)} = ${optionValue(value)}`),
    ...custom.map((one) => `(${one.typeName}) = ${aggregate(one.message, getOption(declaration, one))}`),
  ];
}

const optionValue = (value) => (typeof value === 'string' ? JSON.stringify(value) : String(value));

/** A message in the text format. */
function aggregate(schema, message) {
  const view = reflect(schema, message);
  const parts = view.fields
    .filter((field) => view.isSet(field))
    .flatMap((field) => {
      const value = view.get(field);
      const values = field.fieldKind === 'list' ? [...value] : [value];
      return values.map((one) =>
        field.message === undefined
          ? `${field.name}: ${optionValue(one)}`
          : `${field.name}: ${aggregate(field.message, one.message)}`,
      );
    });
  return `{${parts.join(' ')}}`;
}

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const indented = (lines) => lines.map((line) => `  ${line}`);
