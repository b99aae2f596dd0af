/** A replica of a service with jobs, which also subscribes to events. Some messages end its process. Its parent starts it again. */
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { ChoreServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/chores';
import { WatcherServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/topics';
import { HiringServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/workflows';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs, workflow } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createLoopback } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

// Jest takes the last words of a process without memory for those of its own.
closeSync(2);
openSync('/dev/null', 'w');

const POISONS = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(1),
  loop() {
    for (;;);
  },
  memory() {
    for (const held = []; ; ) held.push(new Array(10_000).fill(held.length));
  },
  logs() {
    const log = createWriteStream('/dev/null');
    for (;;) log.write('a line of a log without end\n'.repeat(100));
  },
  hang: () => new Promise(() => undefined),
  /** Until the test lets the process go on. The third call has its effect. */
  freeze(runs) {
    if (runs > 2) return;
    process.kill(process.pid, 'SIGSTOP');
    throw new Error('the process was frozen');
  },
};

/** As the services of Rondo say it. */
const getCallStats = () => {
  const uptimeS = process.uptime();
  return { uptime: { seconds: BigInt(Math.trunc(uptimeS)), nanos: Math.trunc((uptimeS % 1) * 1e9) } };
};

answerParent({
  /** `overWire`: it calls for its jobs, as a process does that doesn't serve their methods. */
  async work({ url, listen, replicas, saysUptime, overWire }) {
    const database = createPool({ url });
    const act = async (message) => {
      const poison = POISONS[message.split('-')[0]];
      if (poison === undefined) return;
      await database.query('INSERT INTO runs (message, instance) VALUES ($1, $2)', [message, listen]);
      const { runs } = await database.one('SELECT count(*) AS runs FROM runs WHERE message = $1', [message]);
      await poison(runs);
    };
    const take = async (message) => {
      await act(message);
      return await database.transaction(async ({ query }) => {
        await query('INSERT INTO effects (message) VALUES ($1)', [message]);
        return {};
      }, currentWorkLimits());
    };
    const services = [
      standIn(ChoreServiceDefinition, { doChore: ({ chore }) => take(chore) }),
      standIn(WatcherServiceDefinition, { once: ({ piece }) => take(piece) }),
      ...(saysUptime ? [standIn(CallStatsServiceDefinition, { getCallStats })] : []),
    ];
    const hire = workflow(HiringServiceDefinition.methods.hire, async ({ person }, run) => {
      await run.step('act', () => act(person));
      await run.transaction('take', ({ query }) => query('INSERT INTO effects (message) VALUES ($1)', [person]));
      return {};
    });
    const outcomes = createOutcomeStore(database);
    const router = createRouter({ services, outcomes });
    const loopback = overWire ? undefined : createLoopback({});
    loopback?.open(router, { outcomes, isReady: () => true });
    await serve(router, { listen });
    const self = { service: ChoreServiceDefinition.fullName, instanceId: listen };
    const channel = createChannel({ resolver: staticResolver(replicas, { minPingIntervalMs: 500 }), self });
    const parts = { database: { ...database, outcomes }, channel, loopback, log: silentLogger };
    await createJobs({
      ...parts,
      services: [ChoreServiceDefinition, HiringServiceDefinition],
      workflows: [hire],
    }).start();
  },
  ping: () => true,
});
