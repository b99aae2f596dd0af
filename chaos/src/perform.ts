import { type Row, SAFE, SHORT_SAFE, type Stage, sceneOf } from './row.js';
import { createVerdict, formatMs, type Verdict } from './verdict.js';

/** How rows are run. */
export interface PerformOptions {
  /** Whether faults last seconds where they last minutes, and leases 3 s. */
  readonly short: boolean;
  /** Whether the guard is off. */
  readonly control: boolean;
}

/** A client that the machine keeps from running for this long measures the machine. */
const BUSY_MS = 100;
/** This long, and a process that is alive can't answer a ping in time: no bound can hold. */
const UNFIT_MS = 400;
const MAX_RUNS = 3;

/**
 * Runs a row. One that misses a bound while the machine kept a client from running is run again, up to three times in
 * all, and says so.
 */
export async function perform(row: Row, options: PerformOptions): Promise<Verdict> {
  for (let run = 1; ; run += 1) {
    const { verdict, stallMs } = await runOnce(row, options);
    if (stallMs > BUSY_MS) {
      verdict.note(`a client stood still for ${formatMs(stallMs)}: the machine is too busy for figures`);
    }
    if (run > 1) verdict.note(`run ${run} times, as the machine kept a client from running`);
    if (options.control || verdict.holds || stallMs < UNFIT_MS || run === MAX_RUNS) return verdict;
  }
}

/** Runs a row in a scene of its own. What breaks the run is a miss, too. */
async function runOnce(row: Row, { short, control }: PerformOptions): Promise<{ verdict: Verdict; stallMs: number }> {
  const verdict = createVerdict();
  const scene = sceneOf(short);
  const brief = short || control;
  const stage: Stage = {
    without: control ? row.without : undefined,
    control,
    brief,
    safe: short ? SHORT_SAFE : SAFE,
    lasts: (wholeMs, shortMs) => (brief ? shortMs : wholeMs),
    scene,
    verdict,
  };
  try {
    await row.run(stage);
  } catch (error) {
    verdict.breakOff(error);
  } finally {
    await scene.close();
  }
  return { verdict, stallMs: scene.stallMs };
}
