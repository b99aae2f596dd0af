/** A process of a service with jobs: a chore's effect is a row. Its parent kills and freezes it. */
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createLoopback } from '@rondo/rpc/internal';
import { createRouter } from '@rondo/rpc/server';
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
    const outcomes = createOutcomeStore(database);
    const channel = createTestChannel({ services, outcomes });
    const loopback = createLoopback({});
    loopback.open(createRouter({ services, outcomes }), { outcomes, isReady: () => true });
    const parts = { database: { ...database, outcomes }, channel, loopback, log: silentLogger };
    await createJobs({ ...parts, services: [ChoreServiceDefinition] }).start();
  },
});
