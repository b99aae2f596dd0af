import { startCalculators } from './batch/calculators.mjs';
import { figure, median, show, table } from './report/figures.mjs';

/** After so many batches of its own a process is as fast as it becomes. */
const WARM_UP_ROUNDS = 8;

/**
 * What it costs to have several calculators evaluate a batch. The same batch is evaluated by one calculator without a registry,
 * which computes all of it, by one that is registered and calls itself, and by three that share it, in turn; then once more
 * by the three, of which one is killed in the middle. The processor time is the calculators' alone, without the client's.
 */
export const benchmark = {
  name: 'batch',
  summary: 'what it costs to share a batch among calculators; one killed in the middle does no harm',
  needs: 'Linux',
  options: {
    rounds: { type: 'count', default: 9, help: 'how often each system evaluates the batch' },
    expressions: { type: 'count', default: 100_000, help: 'how many expressions it has' },
    profile: { type: 'text', value: 'FOLDER', help: "where the calculators' CPU profiles go; none is killed then" },
  },
  async run({ rounds, expressions: count, profile }, setting) {
    const expressions = Array.from({ length: count }, (_, index) => expressionOf(index));
    const nodeArguments = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
    const systems = [];
    for (const [name, calculators] of Object.entries({ alone: 1, one: 1, three: 3 })) {
      const options = { name, count: calculators, registered: name !== 'alone', nodeArguments };
      systems.push(await startCalculators(options, setting));
    }
    await compare(systems, { rounds, expressions });
    if (!profile) await killOne(systems.at(-1), expressions);
  },
};

/** An order's line: price, quantity, discount. */
function expressionOf(index) {
  return `${(index % 900) + 19}.99 * ${(index % 9) + 1} * (1 - 0.15)`;
}

async function compare(systems, { rounds, expressions }) {
  const taken = new Map(systems.map(({ name }) => [name, []]));
  // Each process has computed as much as the others before it is measured.
  for (const system of systems) {
    const batches = WARM_UP_ROUNDS * system.calculators.length;
    for (let batch = 0; batch < batches; batch += 1) await evaluate(system, expressions);
  }
  for (let round = 0; round < rounds; round += 1) {
    // They take turns, and each round begins with another one.
    for (let turn = 0; turn < systems.length; turn += 1) {
      const system = systems[(round + turn) % systems.length];
      taken.get(system.name).push(await measure(system, expressions));
    }
  }
  const alone = taken.get('alone');
  const rows = [...taken].map(([name, measured]) => {
    const wallMs = median(measured.map((one) => one.wallMs));
    const cpuMs = median(measured.map((one) => one.cpuMs));
    const speed = median(measured.map((one, round) => alone[round].wallMs / one.wallMs));
    const cost = median(measured.map((one, round) => one.cpuMs / alone[round].cpuMs));
    return [name, ...[wallMs, (expressions.length / wallMs) * 1000, speed, cpuMs, cost].map(figure)];
  });
  show(`${expressions.length} expressions, ${rounds} rounds, medians`);
  show(table(['calculators', 'ms', 'expressions/s', 'speed', 'CPU ms', 'CPU'], rows));
}

async function measure(system, expressions) {
  const usedBefore = system.usedMs();
  const startedAt = performance.now();
  await evaluate(system, expressions);
  return { wallMs: performance.now() - startedAt, cpuMs: system.usedMs() - usedBefore };
}

/**
 * Has the batch evaluated; `onPart` gets the number of results so far.
 *
 * @returns how many results each instance has computed.
 * @throws Error if a result is missing or out of order.
 */
async function evaluate({ client }, expressions, onPart = () => undefined) {
  const shares = new Map();
  let next = 0;
  for await (const { firstIndex, instance, results } of client.evaluateBatch({ expressions, scale: 2 })) {
    if (firstIndex !== next || instance === '') throw new Error(`a part begins at ${firstIndex} instead of ${next}`);
    if (results.includes('')) throw new Error(`no result at ${firstIndex + results.indexOf('')}`);
    next += results.length;
    shares.set(instance, (shares.get(instance) ?? 0) + results.length);
    onPart(next);
  }
  if (next !== expressions.length) throw new Error(`${next} results of ${expressions.length}`);
  return shares;
}

/** Kills one of the three calculators when a third of the results has come. */
async function killOne(three, expressions) {
  const { instanceId, calculator } = three.calculators[1];
  const startedAt = performance.now();
  let killed = false;
  const shares = await evaluate(three, expressions, (count) => {
    if (killed || count < expressions.length / 3) return;
    killed = true;
    calculator.signal('SIGKILL');
  });
  const wallMs = performance.now() - startedAt;
  const done = [...shares].map(([instance, count]) => `${instance} ${count}`).join(', ');
  show(`${instanceId} killed in the middle: complete and in order in ${figure(wallMs)} ms: ${done}`);
}
