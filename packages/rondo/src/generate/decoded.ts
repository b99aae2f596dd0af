/** Contracts as ts-proto decodes them. */
import type { Options } from 'ts-proto/build/src/options.js';
import sourceInfo from 'ts-proto/build/src/sourceInfo.js';
import { visit } from 'ts-proto/build/src/visit.js';

/** A `google.protobuf.FileDescriptorProto`. */
export type DecodedFile = Exclude<Parameters<typeof visit>[0], { readonly oneofDecl: unknown }>;
/** A `google.protobuf.DescriptorProto`. */
export type DecodedMessage = Parameters<Parameters<typeof visit>[2]>[1];

/** The messages of a file, each with its name in generated code. */
export function messagesIn(
  file: DecodedFile,
  options: Options,
): readonly { readonly name: string; readonly message: DecodedMessage }[] {
  const found: { name: string; message: DecodedMessage }[] = [];
  visit(file, sourceInfo.default.empty(), (name, message) => found.push({ name, message }), options);
  return found;
}
