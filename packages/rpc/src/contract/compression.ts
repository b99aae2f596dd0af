import { Compression as CompressionOption } from '@rondo/contracts/rondo/options/v1/options';

/** How requests can be compressed, by gRPC's names; `identity` is not at all. */
export const COMPRESSIONS = ['identity', 'gzip'] as const;

/** One of {@link COMPRESSIONS}. */
export type Compression = (typeof COMPRESSIONS)[number];

/** Reads what a contract says of it; undefined where it says nothing. */
export function compressionOf(option: CompressionOption | undefined): Compression | undefined {
  switch (option) {
    case CompressionOption.COMPRESSION_GZIP:
      return 'gzip';
    case CompressionOption.COMPRESSION_IDENTITY:
      return 'identity';
    default:
      return undefined;
  }
}
