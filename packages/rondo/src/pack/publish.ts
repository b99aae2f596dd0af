import { console } from '../terminal/console.js';
import { run } from '../workspace/process.js';
import type { Packed } from './pack.js';

/**
 * Publishes packages at the registry that npm is configured for. It leaves out those that the registry has, so that it can be repeated
 * after a failure.
 *
 * @param packed In this order: `create-rondo`, which installs the others, is the last one.
 * @throws Error with what npm said.
 */
export async function publish(packed: readonly Packed[]): Promise<void> {
  for (const { name, version, file } of packed) {
    const known = await run('npm', ['view', `${name}@${version}`, 'version']);
    const isThere = known.code === 0 && known.output.trim() !== '';
    if (!isThere) {
      const { code, output } = await run('npm', ['publish', file, '--access', 'public']);
      if (code !== 0) throw new Error(output);
    }
    console.log(`${name}@${version} ${isThere ? 'was published before' : 'is published'}`);
  }
}
