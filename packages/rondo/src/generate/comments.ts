/** The comments in a descriptor set. */
import { clearField, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/**
 * A `google.protobuf.FileDescriptorSet` with the comments of some files only. Positions in the source without a comment are left out.
 *
 * @param isKept by the file's name.
 */
export function keepComments(set: Uint8Array, isKept: (file: string) => boolean): Uint8Array {
  const descriptors = fromBinary(FileDescriptorSetSchema, set);
  for (const file of descriptors.file) {
    if (file.sourceCodeInfo === undefined) continue;
    const { location } = file.sourceCodeInfo;
    if (isKept(file.name)) {
      file.sourceCodeInfo.location = location.filter((one) => `${one.leadingComments}${one.trailingComments}` !== '');
    } else clearField(file, FileDescriptorProtoSchema.field.sourceCodeInfo);
  }
  return toBinary(FileDescriptorSetSchema, descriptors);
}
