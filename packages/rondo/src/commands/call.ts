import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '@rondo/rpc/call';
import type { CallOptions, CallTiming } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { receivedTraceId, undecidedParent } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { type DynamicMethodClient, jsonText, methodOf, writeMessage } from '@rondo/schema';
import { type Load, runLoad } from '../call/load.js';
import { createLoadProgress, explainNotBegun, toJsonLine, toSummary } from '../call/report.js';
import { allMessages, probe, type RequestSource, requestSource, stream, toMessages } from '../call/requests.js';
import { gathererAt, type Where, whereOf, withTarget } from '../call/target.js';
import { toTimingText } from '../call/timing.js';
import { type Arguments, type CommandContext, defineCommand } from '../command.js';
import { completeMethod } from '../completion/registered.js';
import { balancingOverrides, type Connections, callerConnections, callerZone } from '../environment.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { writeFailure } from '../failure.js';
import { flag, valued } from '../help.js';
import {
  addressOption,
  durationMs,
  jsonOption,
  metadataOption,
  parseMetadata,
  positiveInteger,
  positiveNumber,
  registryOption,
} from '../options.js';
import { createPaint, paintJson, type Terminal } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { showTrace } from '../tracing/show.js';

/** Each call in flight takes memory. */
const MOST_AT_ONCE = 10_000;

const options = {
  ...metadataOption,
  timeout: valued('2s', "The call's deadline. The contract's deadline applies if it is shorter."),
  ...addressOption,
  timing: flag('Print to standard error where the time of the call went, by phase.'),
  trace: flag('Print to standard error where the time of the call went, over all processes, as rondo trace does.'),
  count: valued('N', 'Make N calls, and count them by instance.'),
  rate: valued('R', 'Start R calls a second, whether or not earlier ones have ended.'),
  concurrency: valued('C', `The most calls in flight: 1 by default, 64 with --rate, ${MOST_AT_ONCE} at most.`),
  duration: valued('30s', 'Start no more calls after this time.'),
  progress: flag('Print the counts to standard error once a second; a terminal shows them anyway.'),
  ...registryOption,
  ...jsonOption,
} as const;

/** `rondo call`: calls any method of any service, found through the registry. */
export const call = defineCommand({
  name: 'call',
  summary: 'Calls a method of any service; finds the service in the registry and its contract by reflection.',
  usage: '<service>/<method> [json | -] … [options]',
  details: [
    "The service's name may be shortened if it stays unique: CalculatorService/Add. The request is proto3 JSON. - reads it",
    'from standard input, as does a pipe. Several values, one after the other, are a request stream. 64-bit integers are',
    'printed as strings, because JSON numbers are too small for them. A broken response stream is resumed if its contract',
    'says how; standard error says so.',
    '',
    '--count, --rate, --concurrency and --duration make many calls; without --count or --duration until Ctrl-C. With --rate',
    'the latency of a call counts from the time when it was due, even if it started late. With --json the output is one line:',
    '{"calls":…,"failed":…,"codes":{…},"instances":{…},"p50Ms":…,"p99Ms":…}. Percentiles are exact to 1 %. --progress prints',
    'the same every second to standard error: {"progress":{…}}.',
    '',
    '--timing is for one call of a method with one request and one reply. Its phases add up to the total: resolve, connect,',
    'retries, queue, send, propagation, process, receive. Such a call goes by gRPC, not by frames.',
    'With --json it is one line: {"timing":{"resolveMs":…,…,"totalMs":…}}.',
  ].join('\n'),
  options,
  maxPositionals: Number.POSITIVE_INFINITY,
  examples: [
    [`call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}'`, 'One call.'],
    [`call CalculatorService/Add '{"a": 2, "b": 3}' --count 9`, 'Nine calls, counted by instance.'],
    [
      `call CalculatorService/Add '{"a": 2, "b": 3}' --rate 200 --concurrency 8 --json`,
      'A load until Ctrl-C, for a script.',
    ],
    [`call CalculatorService/Divide '{"a": 1}' --timeout 500ms -H tenant=acme`, 'With a deadline and metadata.'],
    [`call Calculator/Add '{"a": 2, "b": 3}' --address 127.0.0.1:50051`, 'One server, without a registry.'],
    [`call CalculatorService/Add '{"a": 2, "b": 3}' --timing`, 'With a bar for each phase of its time.'],
    [`call CalculatorService/Add '{"a": 2, "b": 3}' --trace`, 'With the spans of all processes.'],
  ],
  complete: async (written, context) => (written.positionals.length === 0 ? completeMethod(written, context) : []),
  exitCodes: { FAILED: 'A call failed or could not be made; standard error says why.' },
  async run({ values, positionals: [name, ...texts] }, context) {
    if (name === undefined) throw new UsageError('name a method, such as calculator.v1.CalculatorService/Add');
    const { load, where, connections, callOptions } = await settings(values, context);
    const { timing = false, trace = false } = values;
    if (trace && load !== undefined)
      throw new UsageError('--trace is for one call: leave out --count, --rate, --concurrency and --duration');
    if (timing && load !== undefined)
      throw new UsageError('--timing is for one call: leave out --count, --rate, --concurrency and --duration');
    const source = requestSource(texts, context);
    const { metadata } = callOptions;
    return withTarget(name, { where, connections, metadata, signal: context.signal }, async (target) => {
      await warnOfDeadline(target, callOptions.timeoutMs, context);
      const { json = false, progress = false } = values;
      const { requestStream, responseStream } = target.method;
      if (timing && (requestStream || responseStream))
        throw new UsageError(`--timing: ${name} streams; it is for methods with one request and one reply`);
      const job = { target, source, callOptions, json, timing };
      if (load !== undefined) return callMany({ ...job, progress }, load, context);
      const from = beginTrace(metadata, trace);
      const exitCode = await callOnce({ ...job, traceId: from.traceId }, context);
      if (trace)
        await showTrace(from.traceId, await gathererAt(where, context), { ...from, context: onStderr(context), json });
      return exitCode;
    });
  },
});

/** A method, its requests and how it is called. */
interface Job {
  readonly target: DynamicMethodClient;
  readonly source: RequestSource;
  readonly callOptions: CallOptions;
  readonly json: boolean;
  readonly timing: boolean;
  /** The trace of a single call. */
  readonly traceId?: string;
}

interface Settings {
  /** Undefined for a single call. */
  readonly load: Load | undefined;
  readonly where: Where;
  readonly connections: Connections;
  readonly callOptions: CallOptions & { readonly metadata: Metadata };
}

async function settings(values: Arguments<typeof options>['values'], context: CommandContext): Promise<Settings> {
  const { environment, signal } = context;
  const timeoutMs = durationMs('timeout', values.timeout);
  const metadata = parseMetadata(values.metadata ?? []);
  const where = await whereOf(values, context, {
    balancing: balancingOverrides(environment),
    zone: callerZone(environment),
  });
  return {
    load: toLoad(values),
    where,
    connections: callerConnections(environment),
    callOptions: { signal, metadata, ...(timeoutMs !== undefined && { timeoutMs }) },
  };
}

const DEFAULT_CONCURRENCY = { open: 64, closed: 1 };

function toLoad(values: Arguments<typeof options>['values']): Load | undefined {
  const count = positiveInteger('count', values.count);
  const rate = positiveNumber('rate', values.rate);
  const concurrency = positiveInteger('concurrency', values.concurrency, MOST_AT_ONCE);
  const forMs = durationMs('duration', values.duration);
  if ([count, rate, concurrency, forMs].every((setting) => setting === undefined)) return undefined;
  const fallback = rate === undefined ? DEFAULT_CONCURRENCY.closed : DEFAULT_CONCURRENCY.open;
  return { count, rate, durationMs: forMs, concurrency: concurrency ?? fallback };
}

async function callOnce(job: Job, context: CommandContext): Promise<number> {
  const { target, source, callOptions, json, traceId } = job;
  const { schema, method, invoke } = target;
  const { stdout, stderr, signal } = context;
  // A request stream from standard input is sent as it arrives, so that a person can converse with the server.
  const live = method.requestStream && source.from === 'stdin';
  const requests = live ? toMessages(source.texts, method, schema) : stream(await allMessages(source, method, schema));
  let times: CallTiming | undefined;
  const onTiming = (timing: CallTiming) => {
    times = timing;
  };
  try {
    let broken = false;
    const onStreamBreak = ({ codeName, message }: RpcError) => {
      if (!broken)
        void context.stderr.write(`rondo: the stream broke, and is resumed: ${codeName}: ${printable(message)}\n`);
      broken = true;
    };
    for await (const reply of invoke(requests, { ...callOptions, onStreamBreak, ...(job.timing && { onTiming }) })) {
      broken = false;
      await stdout.write(render(reply, job, stdout));
    }
    return ExitCode.OK;
  } catch (error) {
    if (signal.aborted) return ExitCode.INTERRUPTED;
    if (!(error instanceof RpcError)) throw error;
    await writeFailure(error, { stderr, json, registry: schema.registry, ...(traceId && { traceId }) });
    return ExitCode.FAILED;
  } finally {
    if (times !== undefined) {
      await stderr.write(
        json ? `${JSON.stringify({ timing: times })}\n` : toTimingText(times, createPaint(stderr.color)),
      );
    }
  }
}

/**
 * The trace and the span that the call's metadata names. It gets new ones unless the user has given some; that the trace is kept, whatever
 * the sampler says, is for --trace alone.
 */
function beginTrace(metadata: Metadata, isKept: boolean): { readonly traceId: string; readonly causedBy: string } {
  const id = systemRandom.hex(16);
  if (receivedTraceId(metadata) === undefined)
    metadata.set('traceparent', isKept ? `00-${id}-${systemRandom.hex(8)}-01` : undecidedParent(id));
  const [, traceId = '', causedBy = ''] = String(metadata.get('traceparent')).split('-');
  return { traceId, causedBy };
}

const onStderr = (context: CommandContext): CommandContext => ({ ...context, stdout: context.stderr });

async function callMany(
  job: Job & { readonly progress: boolean },
  load: Load,
  context: CommandContext,
): Promise<number> {
  const { target, source, callOptions, json } = job;
  const { stdout, stderr, clock, signal } = context;
  const requests = await allMessages(source, target.method, target.schema);
  if (!json && load.count === undefined && load.durationMs === undefined)
    await stderr.write('Calling until Ctrl-C …\n');
  let firstReply: Message | undefined;
  const onReply = (reply: Message) => {
    firstReply ??= reply;
  };
  const one = (cutOff: AbortSignal) => probe(target.invoke, { ...callOptions, requests, onReply, signal: cutOff });
  const progress = createLoadProgress({ stderr, json, wanted: job.progress });
  const result = await runLoad({ ...load, call: one, onProgress: progress.tell, clock, signal });
  await progress.end();
  await stderr.write(explainNotBegun(result, load));
  if (json) {
    await stdout.write(`${toJsonLine(result)}\n`);
  } else {
    if (firstReply !== undefined) await stdout.write(`${render(firstReply, job, stdout)}\n`);
    await stdout.write(toSummary(result, createPaint(stdout.color)));
  }
  return result.tally.failed === 0 ? ExitCode.OK : ExitCode.FAILED;
}

/** A reply as text. JSON for programs has no colours, whatever the environment says. */
function render(message: Message, { target, json }: Job, { color }: Terminal): string {
  const { method, schema } = target;
  const view = writeMessage(method.output, message, schema.registry);
  return json ? `${jsonText(view)}\n` : `${paintJson(jsonText(view, 2), createPaint(color))}\n`;
}

/** A caller may shorten a contract's deadline but not extend it. This warns a caller that tries. */
async function warnOfDeadline(
  { method }: DynamicMethodClient,
  timeoutMs: number | undefined,
  context: CommandContext,
): Promise<void> {
  const allowedMs = methodOf(method)?.policy.timeoutMs;
  if (timeoutMs === undefined || allowedMs === undefined || timeoutMs <= allowedMs) return;
  await context.stderr.write(`rondo: the contract allows ${method.name} ${allowedMs} ms: that is its deadline\n`);
}
