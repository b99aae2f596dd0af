import { figure, median, quantiles, show, table } from './figures.mjs';

/**
 * Measures reads of a small and a large database in turn, and prints a table.
 *
 * @param reads the reads of the small one, then those of the large one: functions by name.
 * @returns whether no p99 of the large one is above `maxRatio` times that of the small one.
 */
export async function compareReads(reads, { rounds, calls, maxRatio }) {
  const rows = [];
  const slow = [];
  for (const name of reads[0].keys()) {
    const both = reads.map((of) => of.get(name));
    await measure(both, calls);
    const measured = [];
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(both, calls));
    const figures = both.flatMap((_, index) => [
      median(measured.map((round) => round[index].p50)),
      median(measured.map((round) => round[index].p99)),
    ]);
    const ratio = median(measured.map(([small, large]) => large.p99 / small.p99));
    if (!(ratio <= maxRatio)) slow.push(name);
    rows.push([name, ...figures.map(figure), figure(ratio)]);
  }
  show(`${rounds} rounds of ${calls} calls, ms`);
  show(table(['read', 'small p50', 'p99', 'large p50', 'p99', 'p99 ratio'], rows));
  show(slow.length === 0 ? `no p99 is above ${maxRatio} times that of the small one` : `too slow: ${slow.join('; ')}`);
  return slow.length === 0;
}

/** Calls all of them in turn; each call begins with another one. */
async function measure(reads, calls) {
  const times = reads.map(() => []);
  for (let call = 0; call < calls; call += 1) {
    for (let turn = 0; turn < reads.length; turn += 1) {
      const index = (call + turn) % reads.length;
      const beganAt = performance.now();
      await reads[index]();
      times[index].push(performance.now() - beganAt);
    }
  }
  return times.map(quantiles);
}
