/** A replica of a service with workflows, or a service that their runs call: an effect is a row. Its parent kills and freezes it, or it kills itself. */
import {
  AccountServiceDefinition,
  Approval,
  DeskServiceDefinition,
  HiringServiceDefinition,
  PayrollServiceDefinition,
} from '@rondo/contracts/rondo/conformance/v1/workflows';
import { createOutcomeStore, createPool } from '@rondo/database';
import { answerParent } from '@rondo/harness';
import { createJobs, days, workflow } from '@rondo/jobs';
import { currentWorkLimits, silentLogger } from '@rondo/rpc/call';
import { createChannel, staticResolver } from '@rondo/rpc/client';
import { createRouter, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';

const put = ({ query }, entry) => query('INSERT INTO effects (entry) VALUES ($1)', [entry]);
const { hire, dismiss } = HiringServiceDefinition.methods;
const [account, desk, payroll] = [AccountServiceDefinition, DeskServiceDefinition, PayrollServiceDefinition].map(
  (service) => service.methods,
);

/** Ten steps over three services. `wild`: calls without keys. `step`: a plain step in the place of a transaction. */
const tenSteps = ({ wild, step, database }) =>
  workflow(hire, async ({ person }, run) => {
    const entry = (name) => ({ entry: `${person} ${name}` });
    const own = (name) => run.transaction(name, (tx) => put(tx, `${person} ${name}`).then(() => name));
    const [write, options] = wild ? [account.writeAgain, { atLeastOnce: true }] : [account.write, {}];
    await run.call('1', write, entry('1'), options);
    await run.call('2', desk.write, entry('2'));
    await own('3');
    await run.call('4', payroll.write, entry('4'));
    await Promise.all([run.call('5', write, entry('5'), options), own('6')]);
    await run.call('7', desk.write, entry('7'));
    await (step ? run.step('8', () => put(database, `${person} 8`)) : own('8'));
    await run.call('9', payroll.write, entry('9'));
    await own('10');
    return { text: 'hired' };
  });

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

/** Counts the edges of runs from the start of the first one: before and after each statement and call. The process ends at `killAt`. */
function countEdges(killAt) {
  let passed = 0;
  const pass = () => {
    passed += 1;
    if (passed === killAt) process.kill(process.pid, 'SIGKILL');
  };
  const edge = async (work) => {
    pass();
    const result = await work();
    pass();
    return result;
  };
  const isOfRuns = (sql) => (passed > 0 ? /workflow_|effects/ : /INSERT INTO workflow_runs/).test(sql);
  const queries = (inner) =>
    Object.fromEntries(
      ['query', 'one', 'maybeOne'].map((name) => [
        name,
        (sql, ...given) => (isOfRuns(sql) ? edge(() => inner[name](sql, ...given)) : inner[name](sql, ...given)),
      ]),
    );
  return {
    passed: () => passed,
    edge,
    database: (inner) => ({
      ...inner,
      ...queries(inner),
      transaction: (work, options) =>
        passed === 0
          ? inner.transaction((tx) => work({ ...tx, ...queries(tx) }), options)
          : edge(() => inner.transaction((tx) => work({ ...tx, ...queries(tx) }), options)),
    }),
  };
}

let edges;

answerParent({
  /** Starts runs and executes them; `addresses` of the services by name. A share of the replies to their calls is `lost`. */
  async work({ url, listen, addresses, killAt = Infinity, lost = 0, wild = false, step = false }) {
    edges = countEdges(killAt);
    const pool = createPool({ url });
    const outcomes = createOutcomeStore(pool);
    const database = { ...edges.database(pool), outcomes };
    const resolver = {
      source: 'the test',
      resolve: (service, listener) => staticResolver([addresses[service] ?? listen]).resolve(service, listener),
      close() {},
    };
    const lose = (call, next) =>
      edges.edge(async () => {
        const reply = await next(call);
        if (Math.random() < lost) throw new RpcError(Status.UNAVAILABLE, 'the reply is lost');
        return reply;
      });
    const channel = createChannel({ resolver, middleware: [lose] });
    const workflows = [tenSteps({ wild, step, database }), sleepsAndWaits];
    const jobs = createJobs({ database, channel, log: silentLogger, services: [HiringServiceDefinition], workflows });
    const handlers = { hire: jobs.runs.handler(workflows[0]), dismiss: jobs.runs.handler(workflows[1]) };
    const services = [standIn(HiringServiceDefinition, handlers), ...jobs.services];
    await serve(createRouter({ services, outcomes }), { listen });
    await jobs.start();
  },
  /** How many edges have passed. */
  passed: () => edges.passed(),
  /** Serves what runs call. */
  async serve({ url, listen }) {
    const database = createPool({ url });
    const write = ({ entry }) =>
      database.transaction(async (transaction) => {
        await put(transaction, entry);
        return { entry };
      }, currentWorkLimits());
    const services = [
      standIn(AccountServiceDefinition, { write, writeAgain: write }),
      standIn(DeskServiceDefinition, { write }),
      standIn(PayrollServiceDefinition, { write }),
    ];
    await serve(createRouter({ services, outcomes: createOutcomeStore(database) }), { listen });
  },
});
