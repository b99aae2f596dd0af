import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { ConformanceServiceDefinition, type UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Logger, Metadata, type ServerCall } from '@rondo/rpc/call';
import { implement } from '@rondo/rpc/server';
import { packDetail, RpcError, statusFromCode } from '@rondo/rpc/status';
import { type RunningService, startService } from '@rondo/service';

/** A line of a log, as far as it says the same each time. */
export type Line = Readonly<Record<string, unknown>>;

export type Way = 'grpc' | 'frames';

/** A service that answers as its requests say. */
export interface ScriptedService extends RunningService {
  readonly lines: Line[];
  /** How calls came: only a call of its own has HTTP's headers. */
  readonly ways: Way[];
}

const { unary } = ConformanceServiceDefinition.methods;

/** The contract: one method, which must not be called twice. */
export const Scripted = {
  ...ConformanceServiceDefinition,
  methods: { unary: { ...unary, options: { idempotencyLevel: 'IDEMPOTENCY_UNKNOWN' } } },
} as const;

export const LONG_BYTES = 300_000;

/** Answers as the request says, with what it got and metadata of each kind. */
async function answer({ text, payload, behaviour }: UnaryRequest, call: ServerCall) {
  call.header.set('x-header', 'from the handler');
  call.header.append('x-header-bin', Buffer.from([0, 255]));
  call.header.append('x-header-bin', Buffer.from([1]));
  for (const key of ['x-sent', 'x-sent-bin']) {
    for (const value of call.metadata.getAll(key)) call.trailer.append(`${key.replace('sent', 'got')}`, value);
  }
  call.trailer.set('x-deadline', call.callerDeadline === undefined ? 'none' : 'some');
  if (text === 'never') await new Promise<never>(() => undefined);
  if (behaviour?.throwUnknown) throw new Error('what no caller may see');
  if (behaviour !== undefined && behaviour.code !== 0) {
    throw new RpcError(statusFromCode(behaviour.code), behaviour.message, {
      details: [packDetail(ErrorInfo, { reason: behaviour.errorReason, domain: 'scripted' })],
      metadata: new Metadata({ 'x-failed': 'yes', 'x-failed-bin': Buffer.from([2, 0]) }),
    });
  }
  return text === 'long' ? { payload: Buffer.alloc(LONG_BYTES, 'long') } : { text, payload };
}

/** What differs from call to call. */
const VARIES = new Set(['durationMs', 'peer', 'traceId', 'spanId', 'err', 'leftOut']);

/** Records what a service logs of its calls. */
function recordingLog(lines: Line[], bindings: Line = {}): Logger {
  const at = (level: string) => (fields: object, message: string) => {
    if (!/^(slow call|call|the handler)\b/.test(message)) return;
    const all = Object.entries({ ...bindings, ...fields }).filter(([key]) => !VARIES.has(key));
    // Any call is slow on a busy machine.
    const said = message === 'slow call' ? { level: 'debug', message: 'call' } : { level, message };
    lines.push({ ...Object.fromEntries(all.map(([key, value]) => [key, withoutIds(value)])), ...said });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => recordingLog(lines, { ...bindings, ...more }),
  };
}

/** A text without the trace ids and times in it. */
export const withoutIds = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll(/\b[0-9a-f]{32}\b/g, 'ID').replaceAll(/\b\d+ ms\b/g, 'TIME') : value;

/** Starts the service in this process. */
export async function startScripted(registry: string): Promise<ScriptedService> {
  const lines: Line[] = [];
  const ways: Way[] = [];
  const scripted = implement(Scripted, {
    unary(request, call) {
      ways.push(call.metadata.has('user-agent') ? 'grpc' : 'frames');
      return answer(request, call);
    },
  });
  const service = await startService({
    name: 'scripted',
    port: 0,
    log: recordingLog(lines),
    environment: {
      RONDO_LISTEN: '127.0.0.1:0',
      RONDO_REGISTRY: registry,
      RONDO_INSTANCE_ID: 'scripted-1',
      RONDO_METRICS: '127.0.0.1:0',
      // Each call is logged.
      RONDO_LOG_LEVEL: 'debug',
      RONDO_DRAIN_WAIT_MS: '0',
    },
    createApp: () => ({ services: [scripted] }),
  });
  return Object.assign(service, { lines, ways });
}

/** How often each method was called, and with which status, by the metrics of the service. */
export async function countsOf({ metricsAddress }: RunningService): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^rpc_server_call_duration_seconds_count/.test(line));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}
