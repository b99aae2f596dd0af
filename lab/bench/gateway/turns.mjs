import { cpuMs, startWorker } from '@rondo/harness';
import { figure, median, show, table } from '../report/figures.mjs';

/** After so many calls a process is about as fast as it becomes. */
const WARM_UP_CALLS = 20_000;

/** Starts a worker that is closed with the benchmark. */
export function startPart(file, onClose) {
  const worker = startWorker(file);
  onClose(() => worker.close());
  return worker;
}

/** What a client's calls cost the processes `pids`. */
export async function measure(client, options, pids) {
  const before = pids.map((pid) => cpuMs(pid));
  const calls = await client.ask('call', options);
  const cpu = pids.reduce((sum, pid, index) => sum + cpuMs(pid) - before[index], 0);
  return { calls, callUs: (cpu / calls) * 1_000, perSecond: calls / options.seconds };
}

/**
 * Measures two ways to make each of some calls, in turn, once both are warm. It prints a row for each call: what `by` and then `also`
 * name, plain and by the gateway, and the ratio of the first.
 *
 * @returns the ratios.
 */
export async function compare({ plain, proxied }, { calls, rounds, by, also, head }) {
  for (const way of [plain, proxied]) for (let made = 0; made < WARM_UP_CALLS; ) made += (await way(calls[0][1])).calls;
  const rows = [];
  const ratios = [];
  for (const [name, call] of calls) {
    await plain(call);
    await proxied(call);
    const measured = [];
    for (let round = 0; round < rounds; round += 1) measured.push([await plain(call), await proxied(call)]);
    const of = (read) => median(measured.map(read));
    const medians = (key) => [of(([one]) => one[key]), of(([, other]) => other[key])];
    const ratio = of(([one, other]) => other[by] / one[by]);
    ratios.push(ratio);
    rows.push([name, ...[...medians(by), ratio, ...medians(also)].map(figure)]);
  }
  show(table(head, rows));
  return ratios;
}
