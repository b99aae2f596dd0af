import { RpcError, Status } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';

/** What is known of a failed call. */
export interface FailedCall {
  readonly service: string;
  /** Whether an instance of the service is known. */
  readonly running: boolean;
  /** Whether a text is the address of an instance of any service. */
  readonly isAddress: (text: string) => boolean;
  /** The W3C trace id under which the log has the failure; undefined if there is none. */
  readonly traceId: string | undefined;
}

/**
 * The error that anyone may read, from what a call failed with.
 *
 * - A server's answer stays, without `google.rpc.DebugInfo`. In its text, addresses of instances, URLs with a password and stack
 *   lines become `…`. Other text of the form of an address stays: it may be a resource's name or a time.
 * - An error of this process names instances and addresses. A fixed text replaces its text; the details go.
 * - An error of the protocol in front, which read the request, was written for the client: it stays.
 */
export function publicError(error: unknown, call: FailedCall): RpcError {
  if (!(error instanceof RpcError)) return hidden(error, Status.INTERNAL, call);
  if (error.origin === 'server') return withoutSecrets(error, call.isAddress);
  // Every error of a call that was made has a report.
  return error.report === undefined ? error : hidden(error, error.code, call);
}

const TEXTS: ReadonlyMap<Status, string> = new Map([
  [Status.CANCELLED, 'the call was cancelled'],
  [Status.DEADLINE_EXCEEDED, 'the call took longer than it may'],
  [Status.RESOURCE_EXHAUSTED, 'the call exceeds a limit'],
  [Status.UNIMPLEMENTED, 'the service did not answer as its contract says'],
]);

function hidden(cause: unknown, code: Status, call: FailedCall): RpcError {
  return gatewayErrors.CALL_FAILED({ whatHappened: fixedText(code, call) }, { code, cause });
}

function fixedText(code: Status, { service, running, traceId }: FailedCall): string {
  if (code === Status.UNAVAILABLE && !running) return `no instance of ${service} is running`;
  const unavailable = code === Status.UNAVAILABLE ? `${service} can't be reached now; call again soon` : undefined;
  const text = unavailable ?? TEXTS.get(code) ?? 'internal error';
  return traceId === undefined ? text : `${text} (trace ${traceId})`;
}

const DEBUG_INFO = /(?:^|\/)google\.rpc\.DebugInfo$/;

function withoutSecrets(error: RpcError, isAddress: FailedCall['isAddress']): RpcError {
  const { code, metadata, header, report, origin, retryPushbackMs } = error;
  const message = hideInside(error.message, isAddress);
  const details = error.details.filter(({ typeUrl }) => !DEBUG_INFO.test(typeUrl));
  if (message === error.message && details.length === error.details.length) return error;
  const kept = { details, metadata, header, origin, retryPushbackMs, ...(report && { report }) };
  return new RpcError(code, message, { ...kept, cause: error });
}

/** Stack lines of JavaScript and Java, Python, and Go. The patterns here don't backtrack far: a server may be hostile. */
const STACK_LINES = [
  /^[ \t]+at .+(?::\d+:\d+\)?|\((?:\w+\.\w+:\d+|native|Native Method)\)|<anonymous>\))$/gm,
  /^[ \t]*File ".+", line \d+.*$/gm,
  /^.*\.go:\d+(?: \+0x[0-9a-f]+)?$/gm,
];
const URL_WITH_PASSWORD = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,100}:[^\s/@]{1,100}@\S+/gi;
/** What has the form of an address: `host:port`, `[v6]:port` or `unix:/path`. Each begins where no other can, so that a long text takes linear time. */
const ADDRESS = /\bunix:[^\s"'`,;()]+|\[[0-9a-f:.%]{2,60}\]:\d{1,5}|(?<![\w.-])[\w.-]+:\d{1,5}/gi;

/** `text` with `…` in place of stack lines, of URLs with a password and of known addresses. */
function hideInside(text: string, isAddress: FailedCall['isAddress']): string {
  let result = text;
  for (const lines of STACK_LINES) result = result.replace(lines, '…');
  return result.replace(URL_WITH_PASSWORD, '…').replace(ADDRESS, (found) => (isAddress(found) ? '…' : found));
}
