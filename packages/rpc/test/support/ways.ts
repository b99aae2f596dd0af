import type { Metadata } from '../../src/exports/call.js';

/** How calls come. */
export type Way = 'frames' | 'grpc';

/** How a received call has come: only a gRPC call has HTTP's headers. */
export const wayOf = (metadata: Metadata): Way => (metadata.has('user-agent') ? 'grpc' : 'frames');
