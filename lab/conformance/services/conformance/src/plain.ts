import * as grpc from '@grpc/grpc-js';
import { ConformanceServiceDefinition, type Header } from '@rondo/contracts/connectrpc/conformance/v1/service';
import type { MethodName } from './case.js';
import { eachEntry, toHeaders } from './headers.js';

/** The trailing metadata key of a status's details. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** The path of a method. */
export function pathOf(name: MethodName): string {
  return `/${ConformanceServiceDefinition.fullName}/${ConformanceServiceDefinition.methods[name].name}`;
}

/** A serializer for messages that are encoded already. */
export const identity = (bytes: Buffer): Buffer => bytes;

/** The suite's headers as grpc-js's metadata. */
export function toGrpcMetadata(headers: readonly Header[]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  eachEntry(headers, (key, value) => metadata.add(key, typeof value === 'string' ? value : Buffer.from(value)));
  return metadata;
}

/** grpc-js's metadata as the suite's headers. */
export function fromGrpcMetadata(metadata: grpc.Metadata): Header[] {
  const entries = Object.entries(metadata.toJSON());
  return toHeaders(entries.flatMap(([key, values]) => values.map((value) => [key, value] as const)));
}
