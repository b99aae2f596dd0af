/** A process of a service with jobs: a chore's effect is a row. Its parent kills and freezes it. */
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createTestChannel, standIn } from '@rondo/rpc/testing';

answerParent({
  async work({ url }) {
    const database = createPool({ url });
    const write = ({ chore }) =>
      database.transaction(async ({ query }) => {
        await query('INSERT INTO effects (chore) VALUES ($1)', [chore]);
        return {};
      }, currentWorkLimits());
    const services = [standIn(ChoreServiceDefinition, { doChore: write, doAlone: write })];
    const channel = createTestChannel({ services, outcomes: createOutcomeStore(database) });
    await createJobs({ database, services: [ChoreServiceDefinition], channel, log: silentLogger }).start();
  },
});
