// A worker that calls with one of the contenders, and measures its calls.
import { answerParent } from '@rondo/harness';
import { runTurn } from './turn.mjs';
import { WORKLOADS } from './workloads.mjs';

let one;
let three;

answerParent({
  /** Connects to the first address, and with `replicas` once more to all. */
  async connect({ folder, variant, addresses, replicas }) {
    const { connect } = await import(`./${folder}/client.mjs`);
    one = await connect(addresses.slice(0, 1), variant);
    if (replicas) three = await connect(addresses, variant);
  },
  turn({ workload, seconds }) {
    const { replicas, ...how } = WORKLOADS.find(({ name }) => name === workload);
    return runTurn(replicas === undefined ? one : three, how, seconds);
  },
});
