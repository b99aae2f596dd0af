import type { DescFile } from '@bufbuild/protobuf';
import type {
  DescriptorProto,
  EnumDescriptorProto,
  EnumValueDescriptorProto,
  FieldDescriptorProto,
  FileDescriptorProto,
  MethodDescriptorProto,
  OneofDescriptorProto,
  ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

/** A declaration of a `.proto` file as a descriptor. */
type Declared =
  | DescriptorProto
  | EnumDescriptorProto
  | EnumValueDescriptorProto
  | FieldDescriptorProto
  | MethodDescriptorProto
  | OneofDescriptorProto
  | ServiceDescriptorProto;

/** The field numbers of `SourceCodeInfo.Location.path` (descriptor.proto) that lead to a declaration. */
type Path = readonly number[];

/**
 * Returns a function that finds the line, from 1, of a declaration in `file`.
 *
 * @returns undefined for a declaration in another file, and for one that the compiler adds, such as the entry of a map.
 */
export function linesOf({ proto }: DescFile): (declared: Declared) => number | undefined {
  const lines = new Map(proto.sourceCodeInfo?.location.map(({ path, span }) => [path.join('.'), (span[0] ?? 0) + 1]));
  const paths = new Map(declarations(proto));
  return (declared) => lines.get(paths.get(declared)?.join('.') ?? 'elsewhere');
}

function* declarations(file: FileDescriptorProto): Generator<readonly [Declared, Path]> {
  for (const [index, message] of file.messageType.entries()) yield* inMessage(message, [4, index]);
  for (const [index, type] of file.enumType.entries()) yield* inEnum(type, [5, index]);
  for (const [index, service] of file.service.entries()) {
    yield [service, [6, index]];
    yield* listed(service.method, [6, index, 2]);
  }
  yield* listed(file.extension, [7]);
}

function* inMessage(message: DescriptorProto, at: Path): Generator<readonly [Declared, Path]> {
  yield [message, at];
  yield* listed(message.field, [...at, 2]);
  for (const [index, nested] of message.nestedType.entries()) yield* inMessage(nested, [...at, 3, index]);
  for (const [index, type] of message.enumType.entries()) yield* inEnum(type, [...at, 4, index]);
  yield* listed(message.extension, [...at, 6]);
  yield* listed(message.oneofDecl, [...at, 8]);
}

function* inEnum(type: EnumDescriptorProto, at: Path): Generator<readonly [Declared, Path]> {
  yield [type, at];
  yield* listed(type.value, [...at, 2]);
}

function* listed(items: readonly Declared[], at: Path): Generator<readonly [Declared, Path]> {
  for (const [index, item] of items.entries()) yield [item, [...at, index]];
}
