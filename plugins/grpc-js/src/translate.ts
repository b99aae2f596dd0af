import * as grpc from '@grpc/grpc-js';
import { Metadata } from '@rondo/rpc/call';
import { decodeStatusDetails, encodeStatusDetails, STATUS_DETAILS } from '@rondo/rpc/internal';
import { RpcError, Status, statusFromCode } from '@rondo/rpc/status';

/** The same bytes, not a copy. */
export function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Metadata of Rondo as grpc-js's. */
export function toGrpcJs(metadata: Metadata): grpc.Metadata {
  const copy = new grpc.Metadata();
  metadata.forEach((key, value) => {
    copy.add(key, typeof value === 'string' ? value : toBuffer(value));
  });
  return copy;
}

/** The entries of grpc-js's metadata. */
export function entriesOf(metadata: grpc.Metadata): readonly (readonly [key: string, value: grpc.MetadataValue])[] {
  return Object.entries(metadata.toJSON()).flatMap(([key, values]) => values.map((value) => [key, value] as const));
}

/**
 * The error that a handler of grpc-js answers with, as Rondo's; `error` itself if it has no code of gRPC. `trailer` replaces its
 * metadata.
 */
export function toFault(error: unknown, trailer?: grpc.Metadata): unknown {
  if (error instanceof RpcError || !isFailure(error)) return error;
  const { code, message = '', details = message } = error;
  const metadata = trailer ?? error.metadata ?? new grpc.Metadata();
  const [packed] = metadata.get(STATUS_DETAILS);
  return new RpcError(statusFromCode(code), details, {
    cause: error,
    details: packed instanceof Uint8Array ? decodeStatusDetails(packed) : [],
    // A handler may pass on an error of a call that it made. Protocol keys in the received metadata are left out.
    metadata: Metadata.over({
      getAll: (key) => metadata.get(key),
      forEach(visit) {
        for (const [key, value] of entriesOf(metadata)) visit(key, value);
      },
    }),
  });
}

type Failure = Partial<grpc.StatusObject> & Pick<grpc.StatusObject, 'code'> & { readonly message?: string };

function isFailure(error: unknown): error is Failure {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  const { code } = error;
  return typeof code === 'number' && code !== Status.OK && statusFromCode(code) === code;
}

/** The status of a failed call, as a client of grpc-js gets it. */
export function toStatus(error: unknown): grpc.StatusObject {
  if (!(error instanceof RpcError)) {
    const details = error instanceof Error ? error.message : String(error);
    return { code: grpc.status.INTERNAL, details, metadata: new grpc.Metadata() };
  }
  const metadata = toGrpcJs(error.metadata);
  const packed = encodeStatusDetails(error);
  if (packed !== undefined) metadata.set(STATUS_DETAILS, toBuffer(packed));
  return { code: error.code, details: error.message, metadata };
}
