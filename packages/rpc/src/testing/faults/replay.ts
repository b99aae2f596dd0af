import type { Random } from '../../clock/index.js';
import { seededRandom } from '../seeded-random.js';

/** How a run from a seed is told of where it fails. */
export interface ReplayOptions {
  readonly seed: number;
  /** The command that runs this seed again: `npm test -- orders.test.ts -t "seed 7"`. */
  readonly command: string;
}

/**
 * Runs `work` with chance from a seed.
 *
 * @throws Error that names the seed and the command which replays it, caused by what `work` failed with.
 */
export async function fromSeed<T>({ seed, command }: ReplayOptions, work: (random: Random) => Promise<T>): Promise<T> {
  try {
    return await work(seededRandom(seed));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${reason}\n  seed ${seed}; replay: ${command}`, { cause });
  }
}
