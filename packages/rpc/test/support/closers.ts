import { afterEach } from '@jest/globals';
// The first call by gRPC would load it, within its deadline.
import '../../src/transport/grpc/link.js';

/** What each test of a file has to close: the last that was opened first. */
export function closersOfATest(): (() => unknown)[] {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return closers;
}
