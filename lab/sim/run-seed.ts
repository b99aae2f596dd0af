import { BOUNDS, QUIET_MS } from './bounds.js';
import { type Breakage, Cluster } from './cluster.js';
import { checkConvergence } from './rules.js';
import { drawTopology, startFaults } from './scenario.js';
import { createWorld, type Violation, type World } from './world.js';

/** The options of a run. */
export interface SeedOptions {
  /** A part that is broken on purpose. */
  readonly breakage?: Breakage;
  /** Called with every event. */
  readonly print?: (line: string) => void;
}

/** The outcome of a run. */
export interface SeedOutcome {
  readonly seed: number;
  /** The first violation; undefined if there is none. */
  readonly violation: Violation | undefined;
  readonly calls: number;
}

/** The number of timers that may be pending at the end. */
const NONE = 0;

/** Runs the cluster of a seed through its faults and the quiet period after them. */
export async function runSeed(seed: number, { breakage = {}, print }: SeedOptions = {}): Promise<SeedOutcome> {
  const world = createWorld(seed, print);
  const { random } = world;
  const topology = drawTopology(random);
  let calm = true;
  const cluster = new Cluster(world, breakage, () => (calm ? 3_000 : 700) * (0.2 + random.next()));
  for (const instanceId of topology.instances) cluster.startInstance(instanceId);
  for (const name of topology.clients) cluster.startClient(name);
  await pass(world, cluster, 2_000);
  calm = false;
  const stopFaults = startFaults(world, cluster, topology);
  await pass(world, cluster, BOUNDS.chaosMs);
  stopFaults();
  calm = true;
  await pass(world, cluster, QUIET_MS);
  if (world.violation() === undefined) checkConvergence(world, cluster, await cluster.audit());
  let calls = 0;
  for (const client of cluster.clients.values()) calls += client.calls;
  await cluster.end();
  await world.clock.advance(0);
  if (world.clock.timers > NONE) {
    const detail = `${world.clock.timers} timers are pending after everything has ended`;
    world.report({ rule: 'no timer leaks', node: 'the cluster', detail });
  }
  return { seed, violation: world.violation(), calls };
}

/** Lets time pass with regular audits until there is a violation. */
async function pass(world: World, cluster: Cluster, ms: number): Promise<void> {
  const until = world.clock.now() + ms;
  while (world.clock.now() < until && world.violation() === undefined) {
    await world.clock.advance(Math.min(BOUNDS.auditMs, until - world.clock.now()));
    await cluster.audit();
  }
}
