/** The worker of `npm run lab -- sim`: it receives seeds and sends outcomes as messages. */
import { runSeed } from './run-seed.js';

/** A request to run a seed, and to print every event if `trace` is set. */
interface Order {
  readonly seed: number;
  readonly trace: boolean;
}

process.on('message', async ({ seed, trace }: Order) => {
  const print = trace ? (line: string) => void process.stdout.write(`${line}\n`) : undefined;
  const { violation, calls } = await runSeed(seed, print && { print });
  process.send?.({ seed, violation: violation?.message, calls });
});
