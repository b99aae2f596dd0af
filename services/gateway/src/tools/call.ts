import { toBinary } from '@bufbuild/protobuf';
import { Operation } from '@rondo/contracts/google/longrunning/operations';
import type { ToolAnswer, ToolCall } from '@rondo/mcp';
import { CallContext, type Principal } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { decodeReply, toMessage } from '@rondo/schema';
import { startsOperation } from '../discovery/operations.js';
import { gatewayErrors } from '../errors.js';
import { toJsonValue } from '../http-json/json.js';
import { isObject } from '../http-json/query.js';
import { retryAfterOf } from '../http-json/status-json.js';
import { methodAt } from '../http-json/unary.js';
import { encodeForVersions } from '../http-json/versions.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { FrontEndOptions } from '../protocols/inbound-call.js';
import { parseText } from '../protocols/json-text.js';
import { metadataOf } from '../protocols/metadata.js';
import { keyAmong, type MethodTool } from './tool.js';

/** The longest answer that an agent gets whole. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** The longest name of an agent in the audit. Characters. */
const MAX_AGENT = 100;

/** What calls of tools need. */
export type ToolCallOptions = Pick<FrontEndOptions, 'backend' | 'clientOf' | 'log'>;

/**
 * Calls the method of a tool as the gateway makes every call: on behalf of the request's principal, within the contract's timeout, until the
 * agent leaves. It doesn't reject: what fails is an answer that says what to do.
 */
export async function callTool(
  tool: MethodTool,
  call: ToolCall,
  { exchange, ...options }: ToolCallOptions & { readonly exchange: HttpExchange },
): Promise<ToolAnswer> {
  try {
    return await answerOf(tool, call, { exchange, ...options });
  } catch (error) {
    if (!(error instanceof RpcError)) options.log.error({ err: error, tool: tool.name }, 'a call of a tool failed');
    return { text: describe(error instanceof RpcError ? error : gatewayErrors.FAILED(), tool), failed: true };
  }
}

async function answerOf(
  { target, key, shown }: MethodTool,
  call: ToolCall,
  { exchange, backend, clientOf }: ToolCallOptions & { readonly exchange: HttpExchange },
): Promise<ToolAnswer> {
  // By the gateway's own parser: its bounds and its exact numbers.
  const json = parseText(JSON.stringify(call.arguments));
  if (!isObject(json)) throw gatewayErrors.FAILED();
  const metadata = metadataOf(exchange, { client: clientOf(exchange) });
  if (key !== undefined) {
    const value = keyAmong(json, key);
    if (value === undefined) throw gatewayErrors.NO_TOOL_KEY({ argument: key.argument });
    if (key.metadata !== undefined) {
      metadata.set(key.metadata, value);
      delete json[key.argument];
    }
  }
  const encode = encodeForVersions(target, ({ input }) => toBinary(input, toMessage(input, json, target.types)));
  const context = new CallContext({ parents: [call.signal] });
  const principal = actingFor(exchange.identity?.principal, call.agent);
  const request = (to: Parameters<typeof encode>[0]) => {
    const message = encode(to);
    return message && ({ stream: false, message } as const);
  };
  const reply = await backend({ target, metadata, principal, timeoutMs: undefined, context, request });
  if (reply.response.stream) throw new TypeError(`${target.method.path} answers with a stream`);
  const { output } = methodAt(target, reply.from);
  const { types } = target;
  const answer = toJsonValue(output, decodeReply(output, reply.response.message), { types, int64AsNumber: false });
  const text = JSON.stringify(answer);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > MAX_ANSWER_BYTES) return { text: cut(text, sizeBytes, shown.readOnly), failed: true };
  const operation = startsOperation(target.desc) ? operationIn(Operation.decode(reply.response.message)) : undefined;
  return { text, ...(isObject(answer) && { json: answer }), ...(operation && { operation }), failed: false };
}

function operationIn({ name, done, result }: Operation): NonNullable<ToolAnswer['operation']> {
  if (!done) return { name, state: 'working' };
  if (result?.$case !== 'error') return { name, state: 'succeeded' };
  return { name, state: result.value.code === Status.CANCELLED ? 'cancelled' : 'failed' };
}

/** The audit lists the agent among those that acted for the principal. What it calls itself isn't verified. */
function actingFor(principal: Principal | undefined, agent: string): Principal | undefined {
  const name = agent.replace(/[^\x20-\x7e]/g, '?').slice(0, MAX_AGENT);
  return principal && { ...principal, actors: [`agent:${name}`, ...principal.actors] };
}

function cut(text: string, sizeBytes: number, readOnly: boolean): string {
  const what = readOnly ? 'Ask for less, such as a smaller page.' : 'The call has taken effect.';
  const note = `The call succeeded. Its answer has ${sizeBytes} bytes, of which these are the first ${MAX_ANSWER_BYTES}. ${what}`;
  return `${note}\n\n${Buffer.from(text).subarray(0, MAX_ANSWER_BYTES).toString()}`;
}

/** After these, a call may or may not have taken effect. */
const OPEN: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.INTERNAL,
  Status.ABORTED,
]);

/** An error as an agent reads it: what is wrong, and what to do. */
function describe(error: RpcError, { key }: MethodTool): string {
  const seconds = retryAfterOf(error);
  const again = key === undefined ? 'The call may be repeated' : `Repeat the call with the same ${key.argument}`;
  const when = seconds === undefined ? '' : ` in ${seconds} s`;
  const advice = OPEN.has(error.code) || seconds !== undefined ? `\n${again}${when}: it takes effect once.` : '';
  return `${error.codeName}: ${error.message}${advice}`;
}
