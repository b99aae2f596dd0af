import { BOUNDS, QUIET_MS } from './bounds.js';
import { type Breakage, Cluster } from './cluster.js';
import { judgeConvergence } from './rules.js';
import { drawCast, unleash } from './scenario.js';
import type { Violation } from './violation.js';
import { createWorld, type World } from './world.js';

/** How a seed is run. */
export interface SeedOptions {
  /** A part that is broken on purpose. */
  readonly breakage?: Breakage;
  /** Is told every event. */
  readonly print?: (line: string) => void;
}

/** What came of a seed. */
export interface SeedOutcome {
  readonly seed: number;
  /** The first thing that was wrong; undefined where nothing was. */
  readonly violation: Violation | undefined;
  readonly calls: number;
}

/** How many timers may wait at the end: those of the clock's own users are gone. */
const NONE = 0;

/** Runs the cluster of a seed through its faults and the quiet after them. */
export async function runSeed(seed: number, { breakage = {}, print }: SeedOptions = {}): Promise<SeedOutcome> {
  const world = createWorld(seed, print);
  const { random } = world;
  const cast = drawCast(random);
  let calm = true;
  const cluster = new Cluster(world, breakage, () => (calm ? 3_000 : 700) * (0.2 + random.next()));
  for (const instanceId of cast.instances) cluster.startInstance(instanceId);
  for (const name of cast.clients) cluster.startClient(name);
  await pass(world, cluster, 2_000);
  calm = false;
  const relieve = unleash(world, cluster, cast);
  await pass(world, cluster, BOUNDS.chaosMs);
  relieve();
  calm = true;
  await pass(world, cluster, QUIET_MS);
  if (world.violation() === undefined) judgeConvergence(world, cluster, await cluster.audit());
  let calls = 0;
  for (const client of cluster.clients.values()) calls += client.calls;
  await cluster.end();
  await world.clock.advance(0);
  if (world.clock.timers > NONE) {
    const detail = `${world.clock.timers} timers wait after everything has ended`;
    world.report({ rule: 'nothing runs away', node: 'the cluster', detail });
  }
  return { seed, violation: world.violation(), calls };
}

/** Lets time pass, looking into the registry again and again, until something is wrong. */
async function pass(world: World, cluster: Cluster, ms: number): Promise<void> {
  const until = world.clock.now() + ms;
  while (world.clock.now() < until && world.violation() === undefined) {
    await world.clock.advance(Math.min(BOUNDS.auditMs, until - world.clock.now()));
    await cluster.audit();
  }
}
