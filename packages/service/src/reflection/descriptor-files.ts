import { type DescriptorProto, FileDescriptorProto } from '@rondo/contracts/google/protobuf/descriptor';
import { splitDescriptorSet } from '../fingerprint.js';

/** One `.proto` file: its bytes, and the names that reflection looks up. */
export interface DescriptorFile {
  readonly name: string;
  /** The file's `FileDescriptorProto` as compiled, including custom options. */
  readonly bytes: Buffer;
  readonly dependencies: readonly string[];
  readonly package: string;
  /** Fully qualified names of messages, enums and their values, fields, oneofs, extensions, services and methods. */
  readonly symbols: readonly string[];
  readonly extensions: readonly Extension[];
}

/** An extension that a file declares. */
interface Extension {
  /** The fully qualified message that it extends. */
  readonly extendee: string;
  readonly number: number;
}

/**
 * Reads a `google.protobuf.FileDescriptorSet`. It keeps each file's bytes, because re-encoding would lose custom
 * options.
 *
 * @throws Error if the bytes aren't a descriptor set.
 */
export function readDescriptorSet(bytes: Uint8Array): readonly DescriptorFile[] {
  return splitDescriptorSet(bytes).map((file) => readDescriptorFile(Buffer.from(file)));
}

/**
 * Reads one `google.protobuf.FileDescriptorProto`.
 *
 * @throws Error if the bytes aren't a file descriptor.
 */
export function readDescriptorFile(bytes: Buffer): DescriptorFile {
  const file = FileDescriptorProto.decode(bytes);
  const messages = file.messageType.flatMap((message) => nested(message, file.package));
  return {
    name: file.name ?? '',
    bytes,
    dependencies: file.dependency,
    package: file.package ?? '',
    symbols: [...topLevelSymbols(file), ...messages.flatMap(({ symbols }) => symbols)],
    extensions: [...file.extension, ...messages.flatMap(({ message }) => message.extension)].map((field) => ({
      extendee: (field.extendee ?? '').replace(/^\./, ''),
      number: field.number ?? 0,
    })),
  };
}

function topLevelSymbols(file: FileDescriptorProto): readonly string[] {
  const scope = file.package;
  return [
    ...file.extension.map(({ name }) => qualify(scope, name)),
    ...file.enumType.flatMap((type) => [
      qualify(scope, type.name),
      ...type.value.map(({ name }) => qualify(scope, name)),
    ]),
    ...file.service.flatMap((service) => {
      const name = qualify(scope, service.name);
      return [name, ...service.method.map((method) => qualify(name, method.name))];
    }),
  ];
}

interface NestedMessage {
  readonly message: DescriptorProto;
  readonly symbols: readonly string[];
}

/** `message` and the messages nested in it, each with the symbols that it declares. */
function nested(message: DescriptorProto, scope: string | undefined): readonly NestedMessage[] {
  const name = qualify(scope, message.name);
  const members = [...message.field, ...message.oneofDecl, ...message.extension, ...message.enumType];
  const values = message.enumType.flatMap(({ value }) => value);
  const symbols = [name, ...[...members, ...values].map((member) => qualify(name, member.name))];
  return [{ message, symbols }, ...message.nestedType.flatMap((inner) => nested(inner, name))];
}

function qualify(scope: string | undefined, name: string | undefined): string {
  return scope === undefined || scope === '' ? (name ?? '') : `${scope}.${name}`;
}

/** Descriptor files by name, symbol and extension. */
export interface FileIndex {
  byName(name: string): DescriptorFile | undefined;
  /** The file that declares a fully qualified symbol. */
  bySymbol(symbol: string): DescriptorFile | undefined;
  byExtension(extendee: string, number: number): DescriptorFile | undefined;
  /** The known extension numbers of a message; undefined if the message is unknown. */
  extensionNumbers(extendee: string): readonly number[] | undefined;
  /** All transitive imports of a file and then the file itself, each once. */
  withDependencies(file: DescriptorFile): readonly DescriptorFile[];
}

/** Indexes files. Of two files with the same name or symbol, the later one is found. */
export function indexFiles(files: readonly DescriptorFile[]): FileIndex {
  const names = new Map(files.map((file) => [file.name, file]));
  const symbols = new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file])));
  const extensions = new Map<string, Map<number, DescriptorFile>>();
  for (const file of files) {
    for (const { extendee, number } of file.extensions) {
      const numbers = extensions.get(extendee) ?? new Map<number, DescriptorFile>();
      extensions.set(extendee, numbers.set(number, file));
    }
  }
  return {
    byName: (name) => names.get(name),
    bySymbol: (symbol) => symbols.get(symbol),
    byExtension: (extendee, number) => extensions.get(extendee)?.get(number),
    extensionNumbers: (extendee) => {
      if (!symbols.has(extendee)) return undefined;
      return [...(extensions.get(extendee)?.keys() ?? [])].sort((a, b) => a - b);
    },
    withDependencies: (file) => [...collect(file, names, new Set())],
  };
}

function collect(
  file: DescriptorFile,
  names: ReadonlyMap<string, DescriptorFile>,
  seen: Set<DescriptorFile>,
): ReadonlySet<DescriptorFile> {
  for (const name of file.dependencies) {
    const dependency = names.get(name);
    if (dependency !== undefined && !seen.has(dependency)) collect(dependency, names, seen);
  }
  return seen.add(file);
}
