import { accept, accepted, boundOf, compare, measure, WORKLOADS } from './allocations/accepted.mjs';
import { show, table } from './report/figures.mjs';

/**
 * What a unary call allocates on the JavaScript heap, both ends together, against the accepted figures. Other than times,
 * the figures are the same on each machine, whatever else runs there.
 */
export const benchmark = {
  name: 'allocations',
  summary: 'what a call allocates, against the accepted figures',
  options: {
    accept: { type: 'flag', help: 'make the figures the accepted ones, for this major version of Node' },
  },
  async run({ accept: toAccept }) {
    const rows = [];
    let holds = true;
    for (const workload of WORKLOADS) {
      const known = accepted(workload);
      const measured = await measure(workload, known && !toAccept ? boundOf(known) : undefined);
      if (toAccept) accept(workload, measured);
      const fault = known === undefined ? undefined : compare(known, measured);
      if (fault !== undefined && !toAccept) {
        holds = false;
        show(fault);
      }
      rows.push([workload, measured.bytes, known?.bytes ?? '–']);
    }
    show(table(['over', 'bytes a call', 'accepted'], rows));
    return holds;
  },
};
