/** The code that checks messages, which the generator adds to the stubs of ts-proto. */
import path from 'node:path';
import { create, createFileRegistry, ScalarType, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { compileRules } from './compile-rules.mjs';
import { resourcesOf } from './describe-resources.mjs';
import { hasRules, hasText, needsProtovalidate, reaches } from './message-rules.mjs';

/**
 * @typedef {object} Checks The checks of one file's messages.
 * @property {(names: Names) => string} code Follows the code of the stub.
 * @property {string | undefined} descriptors The module of descriptors that its code imports.
 *
 * @typedef {object} Names ts-proto's names.
 * @property {(module: string) => string | undefined} providedBy The module of a package that has a stub.
 * @property {(typeName: string) => { module: string, name: string }} typeOf A message's stub, without its extension, and its name there.
 * @property {(name: string) => string} nameOf The name of a field, or of a oneof, in generated code.
 */

/**
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} protoFiles All files, each after its imports, before they are rewritten.
 * @param {readonly string[]} names The files to generate.
 * @returns {Map<string, Checks>} By the file's name.
 */
export function checksOf(protoFiles, names) {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFiles }));
  return new Map(names.map((name) => [name, ofFile(registry.getFile(name), registry)]));
}

function ofFile(file, registry) {
  const messages = [...messagesOf(file.messages)].filter(isChecked);
  const byCel = messages.some((message) => reaches(message, needsProtovalidate));
  return {
    code: (names) => (messages.length === 0 ? '' : codeOf(file, { messages, registry, names })),
    descriptors: byCel ? descriptorsOf(file) : undefined,
  };
}

function* messagesOf(messages) {
  for (const message of messages) {
    yield message;
    yield* messagesOf(message.nestedMessages);
  }
}

const isChecked = (message) => reaches(message, (one) => hasText(one) || hasRules(one));

function codeOf(file, { messages, registry, names }) {
  const constants = new Map();
  const imports = new Map();
  const own = file.name;
  const nameOf = (prefix, message) => {
    const { module, name } = names.typeOf(message.typeName);
    const called = `${prefix}${name}`;
    if (module === own) return called;
    const alias = `${called}$${[...imports.keys(), module].indexOf(module)}`;
    const fromModule = imports.get(module) ?? new Map();
    imports.set(module, fromModule.set(called, alias));
    return alias;
  };
  const scope = {
    nameOf: names.nameOf,
    rulesOf: (message) => nameOf('rulesOf', message),
    textsOf: (message) => nameOf('textsOf', message),
    constant(code, type = '') {
      const declared = `${type} = ${code}`;
      if (!constants.has(declared)) constants.set(declared, `$c${constants.size}`);
      return constants.get(declared);
    },
  };
  const functions = messages.flatMap((message) => ofMessage(message, { scope, names, own }));
  const declared = [...constants].map(([code, name]) => `const ${name}${code};`);
  const described = [...resourcesOf(file, registry, names.nameOf)].map(
    ([typeName, description]) => `${names.typeOf(typeName).name}.resource = ${JSON.stringify(description)};`,
  );
  const text = [...declared, ...functions, ...described].join('\n');
  return ['\n', ...importLines(own, { imports, names }, text), text, ''].join('\n');
}

function importLines(own, { imports, names: { providedBy } }, text) {
  return [
    ...(text.includes('$v.') ? ['import * as $v from "@rondo/validation";'] : []),
    ...(text.includes('$s.') ? ['import * as $s from "@rondo/validation/strings";'] : []),
    ...[...imports].map(([module, names]) => {
      const relative = path.posix.relative(path.posix.dirname(own), module);
      const from = providedBy(module) ?? `${relative.startsWith('.') ? '' : './'}${relative}.js`;
      const listed = [...names].map(([called, alias]) => `${called} as ${alias}`).join(', ');
      return `import { ${listed} } from "${from}";`;
    }),
  ];
}

function ofMessage(message, { scope, names, own }) {
  const { name } = names.typeOf(message.typeName);
  const texts = textsOf(message, scope).join(', ');
  const lines = [`export const textsOf${name} = (): $v.TextFields => [${texts}];`];
  if (reaches(message, needsProtovalidate)) {
    const module = `./${path.posix.basename(own)}.descriptors.js`;
    return [...lines, `${name}.checked = $v.checkingByCel(${name}, textsOf${name}, () => import("${module}"));`];
  }
  if (!reaches(message, hasRules)) return [...lines, `${name}.checked = $v.checking(${name}, textsOf${name});`];
  return [
    ...lines,
    `export function rulesOf${name}(m: any): $v.Violations {`,
    ...compileRules(message, scope).map((line) => `  ${line}`),
    '}',
    `${name}.checked = $v.checking(${name}, textsOf${name}, rulesOf${name});`,
  ];
}

/** The fields of a message that have text. */
function textsOf(message, scope) {
  return message.fields.flatMap((field) => {
    const { number, name, fieldKind, delimitedEncoding } = field;
    const start = `[${number}, ${JSON.stringify(name)}`;
    if (fieldKind === 'map') {
      const entry = [
        ...(field.mapKey === ScalarType.STRING ? ['[1, "key", "text"]'] : []),
        ...ofValue({ start: '[2, "value"', field, suffix: '' }, scope),
      ];
      return entry.length === 0 ? [] : [`${start}, "map", () => [${entry.join(', ')}]]`];
    }
    // A message between two tags has no length by which it is found.
    return delimitedEncoding ? [] : ofValue({ start, field, suffix: fieldKind === 'list' ? 's' : '' }, scope);
  });
}

function ofValue({ start, field, suffix }, scope) {
  if (field.scalar === ScalarType.STRING) return [`${start}, "text${suffix}"]`];
  if (field.message === undefined || !isChecked(field.message)) return [];
  return [`${start}, "message${suffix}", ${scope.textsOf(field.message)}]`];
}

/** The module with the descriptors of a file and of its imports. */
function descriptorsOf(file) {
  const files = [...new Set([...importsOf(file), file])].map(({ proto }) => {
    const { sourceCodeInfo, ...rest } = proto;
    return Buffer.from(toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, rest))).toString('base64');
  });
  return `/* eslint-disable */\nexport const files = [\n${files.map((one) => `  "${one}",`).join('\n')}\n];\n`;
}

const importsOf = (file) => file.dependencies.flatMap((one) => [...importsOf(one), one]);
