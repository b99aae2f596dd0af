import type { ClientGuard } from './load/protocol.js';
import { createTestbed, type Testbed } from './testbed/testbed.js';
import { formatMs, Verdict } from './verdict.js';

/** A fault, and what must hold while it lasts. */
export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  readonly fault: string;
  readonly bound: string;
  /** What the control run goes without, in words. */
  readonly control: string;
  /** The client's guard that the control run goes without, if it is the client's. */
  readonly without?: ClientGuard;
  /** Whether it belongs to the short form. */
  readonly short?: boolean;
  /** Why it can't be run here; undefined if it can. */
  missing?(): string | undefined;
  run(context: ScenarioContext): Promise<void>;
}

/** What one run of a scenario works with. */
export interface ScenarioContext {
  /** The guard that the client goes without; undefined for a client as it comes. */
  readonly without: ClientGuard | undefined;
  /** Whether this is the control run: the guard is off. */
  readonly control: boolean;
  /** Whether this is the short form, or a control run: less of everything. */
  readonly brief: boolean;
  /** How long the fault lasts: `wholeMs` in the full form, `shortMs` in the short form and in control runs. */
  lasts(wholeMs: number, shortMs: number): number;
  /** The load of the full form, or that of the short form. */
  readonly safe: typeof SAFE | typeof SHORT_SAFE;
  /** Has no processes yet. It is closed when the run ends. */
  readonly testbed: Testbed;
  readonly verdict: Verdict;
}

/** Which form is run. */
export interface ScenarioOptions {
  /** Whether faults last seconds instead of minutes, and leases 3 s. */
  readonly short: boolean;
  /** Whether the guard is off. */
  readonly control: boolean;
  /** Whether each connection between the processes has mutual TLS. */
  readonly tls: boolean;
}

/** A client that the machine keeps from running for this long measures the machine. */
const BUSY_MS = 100;
/** After this long, a process that is alive can't answer a ping in time: no bound can hold. */
const UNFIT_MS = 400;
const MAX_RUNS = 3;
const TTL_MS = 10_000;
const SHORT_TTL_MS = 3_000;

/**
 * Runs a scenario. A run that misses a bound while the machine kept a client from running is repeated, up to three runs in all,
 * and the verdict says so.
 */
export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<Verdict> {
  for (let run = 1; ; run += 1) {
    const { verdict, stallMs } = await runOnce(scenario, options);
    if (stallMs > BUSY_MS) {
      verdict.note(`a client stood still for ${formatMs(stallMs)}: the machine is too busy for figures`);
    }
    if (run > 1) verdict.note(`run ${run} times, as the machine kept a client from running`);
    if (options.control || verdict.holds || stallMs < UNFIT_MS || run === MAX_RUNS) return verdict;
  }
}

/** Runs a scenario on a testbed of its own. An error is a miss, too. */
async function runOnce(scenario: Scenario, { short, control, tls }: ScenarioOptions) {
  const verdict = new Verdict();
  const testbed = await createTestbed({ ttlMs: short ? SHORT_TTL_MS : TTL_MS, tls });
  const brief = short || control;
  const context: ScenarioContext = {
    without: control ? scenario.without : undefined,
    control,
    brief,
    safe: short ? SHORT_SAFE : SAFE,
    lasts: (wholeMs, shortMs) => (brief ? shortMs : wholeMs),
    testbed,
    verdict,
  };
  try {
    await scenario.run(context);
  } catch (error) {
    verdict.breakOff(error);
  } finally {
    await testbed.close();
  }
  return { verdict, stallMs: testbed.stallMs };
}

/** Starts a registry, three replicas, and a client as it comes, or one without the scenario's guard. */
export async function startThree({ testbed, without, safe }: ScenarioContext) {
  const registry = await testbed.startRegistry();
  const replicas = await Promise.all(REPLICAS.map((id) => testbed.startReplica(id)));
  const load = testbed.startLoad({ ...safe, ...(without && { without }) });
  await load.untilServed(REPLICAS);
  const [, , third] = replicas;
  if (third === undefined) throw new Error('three replicas were started');
  return { registry, replicas, third, load };
}

/** The ids of the replicas that a scenario begins with. */
export const REPLICAS = ['replica-1', 'replica-2', 'replica-3'] as const;

/** The load of the full form: 300 calls a second of a method that is safe to repeat. */
export const SAFE = { method: 'add', callsPerSecond: 300, timeoutMs: 2_000 } as const;

/**
 * The load of the short form, which runs on machines that may be busy with other tests. It is lighter, and its deadline is so
 * long that only a call that is lost misses it, as no bound of the short form is on the time of a call.
 */
export const SHORT_SAFE = { method: 'add', callsPerSecond: 100, timeoutMs: 10_000 } as const;
