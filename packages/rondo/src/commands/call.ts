import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '@rondo/rpc/call';
import type { CallOptions } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { receivedTraceId, undecidedParent } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import { type DynamicMethodClient, jsonText, methodOf, writeMessage } from '@rondo/schema';
import { type Load, runLoad } from '../call/load.js';
import { createLoadProgress, explainNotBegun, toSummary, toTimingText, viewLoad } from '../call/report.js';
import { allMessages, probe, type RequestSource, requestSource, stream, toMessages } from '../call/requests.js';
import { callsTo, gathererAt, withTarget } from '../call/target.js';
import { defineCommand, type Printed, type RunContext } from '../command.js';
import { completeMethod } from '../completion/registered.js';
import { callerConnections } from '../environment.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-code.js';
import { writeFailure } from '../failure.js';
import { flag } from '../help.js';
import {
  addressOption,
  duration,
  jsonOption,
  metadataOption,
  parseMetadata,
  rate,
  registryOption,
  whole,
} from '../options.js';
import { createPaint, paintJson } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { showTrace } from '../tracing/show.js';

export const call = defineCommand({
  name: 'call',
  summary: 'Calls a method of any service; finds the service in the registry and its contract by reflection.',
  details: [
    "The service's name may be shortened if it stays unique: CalculatorService/Add. The request is proto3 JSON. - reads it from",
    'standard input, as does a pipe. Several values, one after the other, are a request stream. 64-bit integers are printed as',
    'strings. A broken response stream is resumed if its contract says how.',
    '',
    '--count, --rate, --concurrency and --duration make many calls; without --count or --duration until Ctrl-C. With --rate the',
    'latency of a call counts from the time when it was due, even if it started late. Percentiles are exact to 1 %.',
    '',
    '--timing is for one call of a method with one request and one reply. Its phases add up to the total: resolve, connect,',
    'retries, queue, send, propagation, process, receive. Such a call goes by gRPC, not by frames.',
  ].join('\n'),
  options: {
    ...metadataOption,
    timeout: duration('2s', "The call's deadline. The contract's deadline applies if it is shorter."),
    ...addressOption,
    timing: flag('Print to standard error where the time of the call went, by phase.'),
    trace: flag('Print to standard error where the time of the call went, over all processes, as rondo trace does.'),
    count: whole('N', 'Make N calls, and count them by instance.'),
    rate: rate('R', 'Start R calls a second, whether or not earlier ones have ended.'),
    concurrency: whole('C', 'The most calls in flight: 1 by default, 64 with --rate.', 10_000),
    duration: duration('30s', 'Start no more calls after this time.'),
    progress: flag('Print the counts to standard error once a second; a terminal shows them anyway.'),
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '<service>/<method>', texts: '[json | -] …' },
  missing: 'name a method, such as calculator.v1.CalculatorService/Add',
  examples: [
    [`call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}'`, 'One call.'],
    [`call CalculatorService/Add '{"a": 2, "b": 3}' --rate 200 --concurrency 8 --json`, 'A load until Ctrl-C.'],
    [`call Calculator/Add '{"a": 2, "b": 3}' --address 127.0.0.1:50051`, 'One server, without a registry.'],
  ],
  complete: completeMethod,
  exitCodes: { FAILED: 'A call failed or could not be made; standard error says why.' },
  async run({ name, texts, timing, trace, timeout: timeoutMs, ...values }, context) {
    const { signal, stderr } = context;
    const { count, rate: perSecond, concurrency, duration: durationMs } = values;
    const isLoad = [count, perSecond, concurrency, durationMs].some((setting) => setting !== undefined);
    const most = concurrency ?? (perSecond === undefined ? 1 : 64);
    const load = isLoad ? { count, rate: perSecond, durationMs, concurrency: most } : undefined;
    const single = trace ? '--trace' : timing ? '--timing' : undefined;
    if (single !== undefined && load !== undefined)
      throw new UsageError(`${single} is for one call: leave out --count, --rate, --concurrency and --duration`);
    const metadata = parseMetadata(values.metadata);
    const where = await callsTo(values.address, context);
    const source = requestSource(texts, context);
    const callOptions = { signal, metadata, ...(timeoutMs !== undefined && { timeoutMs }) };
    const connections = callerConnections(context.environment);
    return withTarget(name, { where, connections, metadata, signal }, async (target) => {
      const { name: method, requestStream, responseStream } = target.method;
      // A caller may shorten a contract's deadline but not extend it.
      const allowedMs = methodOf(target.method)?.policy.timeoutMs;
      if (timeoutMs !== undefined && allowedMs !== undefined && timeoutMs > allowedMs)
        await stderr.write(`rondo: the contract allows ${method} ${allowedMs} ms: that is its deadline\n`);
      if (timing && (requestStream || responseStream))
        throw new UsageError(`--timing: ${name} streams; it is for methods with one request and one reply`);
      const job = { target, source, callOptions, timing };
      if (load !== undefined) return callMany({ ...job, progress: values.progress }, load, context);
      const from = beginTrace(metadata, trace);
      const exitCode = await callOnce({ ...job, traceId: from.traceId }, context);
      if (trace) {
        const gatherer = await gathererAt(where, context);
        const { json, text } = await showTrace({ ...from, gatherer }, { ...context, stdout: stderr });
        await stderr.write(context.json ? `${JSON.stringify(json)}\n` : text);
      }
      return exitCode;
    });
  },
});

/** A method, its requests and how it is called. */
interface Job {
  readonly target: DynamicMethodClient;
  readonly source: RequestSource;
  readonly callOptions: CallOptions;
  readonly timing: boolean;
  /** The trace of a single call. */
  readonly traceId?: string;
}

async function callOnce(job: Job, context: RunContext): Promise<number> {
  const { target, source, callOptions, traceId } = job;
  const { schema, method, invoke } = target;
  const { json, stdout, stderr, signal } = context;
  // A request stream from standard input is sent as it arrives, so that a person can converse with the server.
  const live = method.requestStream && source.from === 'stdin';
  const requests = live ? toMessages(source.texts, method, schema) : stream(await allMessages(source, method, schema));
  const times: Parameters<typeof toTimingText>[0][] = [];
  const onTiming = (timing: (typeof times)[number]) => void times.push(timing);
  try {
    let broken = false;
    const onStreamBreak = ({ codeName, message }: RpcError) => {
      if (!broken)
        void context.stderr.write(`rondo: the stream broke, and is resumed: ${codeName}: ${printable(message)}\n`);
      broken = true;
    };
    for await (const reply of invoke(requests, { ...callOptions, onStreamBreak, ...(job.timing && { onTiming }) })) {
      broken = false;
      await stdout.write(render(reply, target, context));
    }
    return ExitCode.OK;
  } catch (error) {
    if (signal.aborted) return ExitCode.INTERRUPTED;
    if (!(error instanceof RpcError)) throw error;
    await writeFailure(error, { stderr, json, registry: schema.registry, ...(traceId && { traceId }) });
    return ExitCode.FAILED;
  } finally {
    for (const timing of times)
      await stderr.write(json ? `${JSON.stringify({ timing })}\n` : toTimingText(timing, createPaint(stderr.color)));
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

async function callMany(job: Job & { readonly progress: boolean }, load: Load, context: RunContext): Promise<Printed> {
  const { target, source, callOptions } = job;
  const { json, stdout, stderr, clock, signal } = context;
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
  const reply = firstReply === undefined ? '' : `${render(firstReply, target, context)}\n`;
  const text = reply + toSummary(result, createPaint(stdout.color));
  return { json: viewLoad(result), text, failed: result.tally.failed > 0 };
}

/** A reply as text. JSON for programs has no colours, whatever the environment says. */
function render(message: Message, { method, schema }: DynamicMethodClient, { json, stdout }: RunContext): string {
  const view = writeMessage(method.output, message, schema.registry);
  return json ? `${jsonText(view)}\n` : `${paintJson(jsonText(view, 2), createPaint(stdout.color))}\n`;
}
