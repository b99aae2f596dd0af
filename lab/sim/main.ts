/** The worker of `npm run lab -- sim`. */
import { answerParent } from '@rondo/harness';
import { runSeed } from './run-seed.js';

answerParent({
  /** Runs a seed, and prints every event if `trace` is set. */
  async run({ seed, trace }: { readonly seed: number; readonly trace: boolean }) {
    const print = trace ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
    const { violation, calls } = await runSeed(seed, print && { print });
    return { violation: violation?.message, calls };
  },
});
