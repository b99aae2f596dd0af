/**
 * The reader and the writer of messages, for the contracts of apps: a message of one copy of them can't be read by another.
 */
export { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
