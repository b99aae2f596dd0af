import type { ClientGuard } from './load/options.js';
import { createScene, type Scene } from './scene/scene.js';
import type { Verdict } from './verdict.js';

/** How a row is run. */
export interface Stage {
  /** The guard that the client goes without; undefined for a client as it comes, and where the guard isn't the client's. */
  readonly without: ClientGuard | undefined;
  /** Whether this is the control run: the guard is off. */
  readonly control: boolean;
  /** Whether this is the short form, or a control run: less of everything. */
  readonly brief: boolean;
  /** What the fault lasts in the whole table, or in the short form and in control runs. */
  lasts(wholeMs: number, shortMs: number): number;
  /** The load of the table, or that of the short form. */
  readonly safe: typeof SAFE | typeof SHORT_SAFE;
  /** An empty scene, closed at the row's end. */
  readonly scene: Scene;
  readonly verdict: Verdict;
}

/** One row of the table: a fault, and what must hold while it lasts. */
export interface Row {
  /** For `--only`. */
  readonly name: string;
  readonly fault: string;
  readonly bound: string;
  /** What the control run goes without, in words. */
  readonly control: string;
  readonly without?: ClientGuard;
  /** Whether it belongs to the short form. */
  readonly short?: boolean;
  /** Why it can't be run here; undefined where it can. */
  missing?(): string | undefined;
  run(stage: Stage): Promise<void>;
}

/** Three replicas that serve a client as it comes, or one without the row's guard. */
export async function startThree({ scene, without, safe }: Stage) {
  const registry = await scene.startRegistry();
  const replicas = await Promise.all(REPLICAS.map((id) => scene.startReplica(id)));
  const load = scene.startLoad({ ...safe, ...(without && { without }) });
  await load.untilServed(REPLICAS);
  const [, , third] = replicas;
  if (third === undefined) throw new Error('three replicas were started');
  return { registry, replicas, third, load };
}

/** The ids of the replicas that a row begins with. */
export const REPLICAS = ['replica-1', 'replica-2', 'replica-3'] as const;

/** The load of the table: 300 calls a second of a method that is safe to repeat. */
export const SAFE = { method: 'add', callsPerSecond: 300, timeoutMs: 2_000 } as const;

/**
 * The load of the short form, which runs where a machine may be busy with other tests: less of it, and no bound of its
 * rows is of how long a call takes, so only a call that is lost has no outcome in time.
 */
export const SHORT_SAFE = { method: 'add', callsPerSecond: 100, timeoutMs: 10_000 } as const;

/** As {@link createScene}, with the leases of a whole or of a short run. */
export function sceneOf(short: boolean): Scene {
  return createScene(short ? SHORT_TTL_MS : TTL_MS);
}

const TTL_MS = 10_000;
const SHORT_TTL_MS = 3_000;
