// A worker that serves the contract with one of the contenders.
import { answerParent } from '@rondo/harness';
import { servedCalls } from './answers.mjs';

answerParent({
  /** Gives the address at which it listens. */
  async serve({ folder, variant }) {
    const { serve } = await import(`./${folder}/server.mjs`);
    return await serve(variant);
  },
  /** The calls that this process has answered so far, and its processor time in microseconds. */
  used() {
    const { user, system } = process.cpuUsage();
    return { served: servedCalls(), cpuUs: user + system };
  },
});
