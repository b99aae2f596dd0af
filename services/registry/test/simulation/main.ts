/** What `npm run sim` runs in each of its processes: seeds by message, outcomes by message. */
import { runSeed } from './run-seed.js';

/** What a worker is asked: run a seed, printing every event where that is wanted. */
interface Order {
  readonly seed: number;
  readonly trace: boolean;
}

process.on('message', async ({ seed, trace }: Order) => {
  const print = trace ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
  const { violation, calls } = await runSeed(seed, print && { print });
  process.send?.({ seed, violation: violation?.message, calls });
});
