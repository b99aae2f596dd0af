/** The code that checks messages, which the generator adds to the stubs of ts-proto. */
import path from 'node:path';
import {
  create,
  createFileRegistry,
  type DescField,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { importsOf, withNested } from '../declarations.js';
import { methodCodes } from '../operations.js';
import { KEEP_LATEST_OF_KEY, toMs, topicOption } from '../options.js';
import { compileRules, type FileScope } from './compile-rules.js';
import { resourcesOf } from './describe-resources.js';
import { hasRules, hasText, needsProtovalidate, reaches } from './message-rules.js';

export interface Checks {
  /** What its messages are checked by, which follows the code of the stub, and what its methods have besides ts-proto's code. */
  code(names: Names): { readonly text: string; readonly methods: ReturnType<typeof methodCodes> };
  /** The module of descriptors that its code imports. */
  readonly descriptors: string | undefined;
}

export interface Names {
  /** The module of a package that has a stub. */
  providedBy(module: string): string | undefined;
  /** A message's stub, without its extension, and its name there. */
  typeOf(typeName: string): { readonly module: string; readonly name: string };
  /** The name of a field, or of a oneof, in generated code. */
  nameOf(name: string): string;
}

/**
 * The checks by the file's name.
 *
 * @param protoFiles All files, each after its imports, before they are rewritten.
 * @param names The files to generate.
 */
export function checksOf(protoFiles: FileDescriptorProto[], names: readonly string[]): ReadonlyMap<string, Checks> {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFiles }));
  const files = names.flatMap((name) => registry.getFile(name) ?? []);
  return new Map(files.map((file) => [file.proto.name, ofFile(file, registry)]));
}

function ofFile(file: DescFile, registry: FileRegistry): Checks {
  const messages = [...withNested(file.messages)].filter(isChecked);
  const byCel = messages.some((message) => reaches(message, needsProtovalidate));
  return {
    code: (names) => codeOf(file, messages, { registry, names }),
    descriptors: byCel ? descriptorsOf(file) : undefined,
  };
}

const isChecked = (message: DescMessage) => reaches(message, (one) => hasText(one) || hasRules(one));

/** The aliases of another stub's functions, by their names. */
type Imports = Map<string, Map<string, string>>;

/** A file under generation. */
interface Scope extends FileScope {
  readonly own: string;
  readonly names: Names;
  textsOf(message: DescMessage): string;
}

function codeOf(
  file: DescFile,
  messages: readonly DescMessage[],
  { registry, names }: { readonly registry: FileRegistry; readonly names: Names },
): ReturnType<Checks['code']> {
  const constants = new Map<string, string>();
  const imports: Imports = new Map();
  const own = file.name;
  const nameOf = (prefix: string, message: DescMessage) => {
    const { module, name } = names.typeOf(message.typeName);
    const called = `${prefix}${name}`;
    if (module === own) return called;
    const alias = `${called}$${[...imports.keys(), module].indexOf(module)}`;
    const fromModule = imports.get(module) ?? new Map<string, string>();
    imports.set(module, fromModule.set(called, alias));
    return alias;
  };
  const scope: Scope = {
    own,
    names,
    nameOf: names.nameOf,
    rulesOf: (message) => nameOf('rulesOf', message),
    textsOf: (message) => nameOf('textsOf', message),
    constant(code, type = '') {
      const declared = `${type} = ${code}`;
      const name = constants.get(declared) ?? `$c${constants.size}`;
      constants.set(declared, name);
      return name;
    },
  };
  const functions = messages.flatMap((message) => ofMessage(message, scope));
  const declared = [...constants].map(([code, name]) => `const ${name}${code};`);
  const described = [...resourcesOf(file, registry, names.nameOf)].map(
    ([typeName, description]) => `${names.typeOf(typeName).name}.resource = ${JSON.stringify(description)};`,
  );
  const methods = methodCodes(file, registry, (message) => nameOf('', message));
  const code = [...declared, ...functions, ...described, ...topicsOf(file, registry, names)].join('\n');
  const lines = importLines(scope, imports, code);
  const text = code === '' && lines.length === 0 ? '' : ['\n', ...lines, code, ''].join('\n');
  return { text, methods };
}

/** What `publish` has to know of the topics of a file. */
function topicsOf(file: DescFile, registry: FileRegistry, names: Names): readonly string[] {
  const option = topicOption(registry);
  return file.messages.flatMap((message) => {
    const topic = option.of(message);
    if (topic === undefined) return [];
    const retentionMs = topic.retention && toMs(topic.retention);
    const description = {
      service: topic.service,
      key: topic.key === '' ? undefined : names.nameOf(topic.key),
      retentionMs,
      subscribers: topic.subscribers.length === 0 ? undefined : topic.subscribers,
      keepsLatest: topic.keep === KEEP_LATEST_OF_KEY || undefined,
    };
    return [
      `${names.typeOf(message.typeName).name}.topic = ${JSON.stringify(description)} satisfies $v.TopicDescription;`,
    ];
  });
}

function importLines({ own, names }: Scope, imports: Imports, text: string): readonly string[] {
  return [
    ...(text.includes('$v.') ? ['import * as $v from "@rondo/validation";'] : []),
    ...(text.includes('$s.') ? ['import * as $s from "@rondo/validation/strings";'] : []),
    ...[...imports].map(([module, aliases]) => {
      const relative = path.posix.relative(path.posix.dirname(own), module);
      const from = names.providedBy(module) ?? `${relative.startsWith('.') ? '' : './'}${relative}.js`;
      const listed = [...aliases].map(([called, alias]) => `${called} as ${alias}`).join(', ');
      return `import { ${listed} } from "${from}";`;
    }),
  ];
}

function ofMessage(message: DescMessage, scope: Scope): readonly string[] {
  const { name } = scope.names.typeOf(message.typeName);
  const texts = textsOf(message, scope).join(', ');
  const lines = [`export const textsOf${name} = (): $v.TextFields => [${texts}];`];
  if (reaches(message, needsProtovalidate)) {
    const module = `./${path.posix.basename(scope.own)}.descriptors.js`;
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

function textsOf(message: DescMessage, scope: Scope): readonly string[] {
  return message.fields.flatMap((field) => {
    const { number, name, fieldKind } = field;
    const start = `[${number}, ${JSON.stringify(name)}`;
    if (field.fieldKind === 'map') {
      const entry = [
        ...(field.mapKey === ScalarType.STRING ? ['[1, "key", "text"]'] : []),
        ...ofValue({ start: '[2, "value"', field, suffix: '' }, scope),
      ];
      return entry.length === 0 ? [] : [`${start}, "map", () => [${entry.join(', ')}]]`];
    }
    // A message between two tags has no length by which it is found.
    return 'delimitedEncoding' in field && field.delimitedEncoding
      ? []
      : ofValue({ start, field, suffix: fieldKind === 'list' ? 's' : '' }, scope);
  });
}

function ofValue(
  { start, field, suffix }: { readonly start: string; readonly field: DescField; readonly suffix: string },
  scope: Scope,
): readonly string[] {
  if (field.scalar === ScalarType.STRING) return [`${start}, "text${suffix}"]`];
  if (field.message === undefined || !isChecked(field.message)) return [];
  return [`${start}, "message${suffix}", ${scope.textsOf(field.message)}]`];
}

/** The module with the descriptors of a file and of its imports. */
function descriptorsOf(file: DescFile): string {
  const files = [...new Set([...importsOf(file), file])].map(({ proto }) => {
    const { sourceCodeInfo: _, ...rest } = proto;
    return Buffer.from(toBinary(FileDescriptorProtoSchema, create(FileDescriptorProtoSchema, rest))).toString('base64');
  });
  return `/* eslint-disable */\nexport const files = [\n${files.map((one) => `  "${one}",`).join('\n')}\n];\n`;
}
