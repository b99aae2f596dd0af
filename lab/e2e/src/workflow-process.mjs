/** A replica of a service with workflows, or a service that their runs call: an effect is a row. Its parent kills and freezes it. */
import {
  AccountServiceDefinition,
  Approval,
  HiringServiceDefinition,
  PayrollServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs, days, workflow } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { standIn } from '@rondo/rpc/testing';

const put = ({ query }, entry) => query('INSERT INTO effects (entry) VALUES ($1)', [entry]);
const { dismiss } = HiringServiceDefinition.methods;
const [account, payroll] = [AccountServiceDefinition, PayrollServiceDefinition].map((service) => service.methods);

/** Starts a child, which does the first half, sleeps, waits for a signal or for its time, and waits for the child. */
const sleepsAndWaits = workflow(dismiss, async ({ person }, run) => {
  const number = Number.parseInt(person, 10);
  const child = person === `${number}` && run.call('child', dismiss, { person: `${number} child` });
  await run.call('account', account.write, { entry: `${person} account` });
  await run.sleep('notice', 200 + (number % 10) * 400);
  await run.transaction('note', (tx) => put(tx, `${person} note`).then(() => 'noted'));
  if (!child) return { text: `${number}` };
  const isWaitedFor = number % 4 > 0;
  const approval = await run.wait('approval', Approval, { for: isWaitedFor ? days(1) : 500 });
  await run.call('salary', payroll.write, { entry: `${person} salary` });
  return { text: `${approval?.by ?? 'nobody'}, child ${(await child).text}` };
});

answerParent({
  /** Starts runs and executes them; `addresses` of the services by name. */
  async work({ url, listen, addresses }) {
    const pool = createPool({ url });
    const outcomes = createOutcomeStore(pool);
    const resolver = {
      source: 'the test',
      resolve: (service, listener) => staticResolver([addresses[service] ?? listen]).resolve(service, listener),
      close() {},
    };
    const parts = { database: { ...pool, outcomes }, channel: createChannel({ resolver }), log: silentLogger };
    const jobs = createJobs({ ...parts, services: [HiringServiceDefinition], workflows: [sleepsAndWaits] });
    const hiring = standIn(HiringServiceDefinition, { dismiss: jobs.runs.handler(sleepsAndWaits) });
    await serve(createRouter({ services: [hiring, ...jobs.services], outcomes }), { listen });
    await jobs.start();
  },
  /** Serves what runs call. */
  async serve({ url, listen }) {
    const database = createPool({ url });
    const write = ({ entry }) =>
      database.transaction(async (transaction) => {
        await put(transaction, entry);
        return { entry };
      }, currentWorkLimits());
    const services = [standIn(AccountServiceDefinition, { write }), standIn(PayrollServiceDefinition, { write })];
    await serve(createRouter({ services, outcomes: createOutcomeStore(database) }), { listen });
  },
});
