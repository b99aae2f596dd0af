import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/**
 * Collects garbage, and returns the bytes of all buffers that are kept. V8 may free what it has collected a little later: wait
 * until they are few enough.
 */
export function retainedBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}
