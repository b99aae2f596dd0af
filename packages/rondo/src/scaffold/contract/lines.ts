import type { DescField, DescFile, DescMessage, Message } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/**
 * Returns a function that finds the line, from 1, of a declaration in `file`, given by its descriptor.
 *
 * @returns undefined for a declaration in another file, and for one that the compiler adds, such as the entry of a map.
 */
export function linesOf({ proto }: DescFile): (declared: Message) => number | undefined {
  const lines = new Map<unknown, number>();
  for (const { path, span } of proto.sourceCodeInfo?.location ?? []) lines.set(at(proto, path), (span[0] ?? 0) + 1);
  return (declared) => lines.get(declared);
}

/** What a path of field numbers and indices (`SourceCodeInfo.Location.path` of descriptor.proto) leads to. */
function at(proto: Message, path: readonly number[]): unknown {
  let found: unknown = proto;
  let type: DescMessage | undefined = FileDescriptorProtoSchema;
  for (const step of path) {
    if (Array.isArray(found)) {
      found = found[step];
    } else {
      const field: DescField | undefined = type?.fields.find(({ number }) => number === step);
      found = field && new Map<string, unknown>(Object.entries(found ?? {})).get(field.localName);
      type = field?.message;
    }
  }
  return found;
}
