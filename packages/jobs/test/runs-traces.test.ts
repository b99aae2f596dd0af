import { expect, it } from '@jest/globals';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import type { Database } from '@rondo/database';
import { createClient, waitFor } from '@rondo/rpc/client';
import { traceCalls } from '@rondo/rpc/tracing';
import { recordSpans } from '../../rpc/test/support/spans.js';
import { account, eachWithRuns, hire } from './runs-fixture.js';

const { take, tracer } = recordSpans(traceCalls);
let database: Database;
const { begin } = eachWithRuns((own) => {
  database = own;
});

it('an execution is a trace with the calls of its steps, has a link to the start, and is named by each step', async () => {
  const process = begin(async (run) => {
    await run.call('account', account.write, { entry: 'account' });
    await run.sleep('pause', 1);
    return 'done';
  });
  const [operation, started] = await tracer.startActiveSpan('start', async (span) => {
    const made = await process.client.hire({ person: 'ada' });
    span.end();
    return [made, span.spanContext().traceId] as const;
  });
  await waitFor(hire, operation, { channel: process.doors });
  const runs = createClient(RunServiceDefinition, { channel: process.doors });
  const { steps } = await runs.getRun({ name: operation.name });
  const spans = take();
  const executions = spans.filter(({ name }) => name === 'run rondo.conformance.v1.HiringService/Hire');
  expect(executions[0]?.links.map((link) => link.context.traceId)).toEqual([started]);
  const traces = new Set(executions.map((span) => span.spanContext().traceId));
  expect(steps.map(({ name, traceId }) => [name, traces.has(traceId)])).toEqual([
    ['account', true],
    ['pause', true],
  ]);
  const called = spans.find(({ name, kind }) => name.endsWith('AccountService/Write') && kind === 2);
  expect(called?.spanContext().traceId).toBe(steps[0]?.traceId);
  expect(await database.query('SELECT FROM jobs')).toEqual([]);
});
