import { randomBytes } from 'node:crypto';
import {
  type CallToolResult,
  createMcpHandler,
  type ListToolsResult,
  type McpRequestContext,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createConfirmations, MAX_SHOWN } from './confirmation.js';
import { serveTasks, startedTask, TASKS_CAPABILITY, takesTasks } from './tasks.js';
import type { ServeTools, Tool, ToolAnswer, ToolCall, Tools } from './tools.js';

/** What the tools of a caller are served with. */
interface Served {
  readonly tools: Tools;
  /** Signs confirmations. */
  readonly key: Uint8Array;
  /** Ends with the connection, which cancels what runs. */
  readonly signal?: AbortSignal;
}

/** Creates the handler of MCP requests over HTTP. It keeps nothing from one request to the next. */
export const httpServer =
  (key: Uint8Array): ServeTools =>
  (request, tools) => {
    const create = (context: McpRequestContext) => createServer({ tools, key, signal: request.signal }, context);
    return createMcpHandler(create, { ...LIMITS, maxRequestBodySize: Number.MAX_SAFE_INTEGER }).fetch(request);
  };

/** Serves one caller over this process's standard input and output. Resolves when the input ends. */
export function serveStandardInput(tools: Tools): Promise<void> {
  const key = randomBytes(32);
  return new Promise((resolve) => {
    serveStdio((context) => createServer({ tools, key }, context), LIMITS);
    process.stdin.once('close', resolve).once('end', resolve);
  });
}

/** No tool sends a notification, so there is nothing to listen to. */
const LIMITS = { maxSubscriptions: 0 };

/** Creates the server of one caller: of one request over HTTP, or of one connection. */
function createServer({ tools, key, signal }: Served, { era }: Pick<McpRequestContext, 'era'>): Server {
  const operations = era === 'legacy' ? undefined : tools.operations;
  const confirmations = createConfirmations(key, tools.caller);
  const server = new Server(
    { name: 'rondo', version: '0.2.0' },
    {
      capabilities: { tools: {}, ...(operations && TASKS_CAPABILITY) },
      requestState: { verify: confirmations.verify },
      inputRequired: { legacyShim: false },
    },
  );
  const by = ({ mcpReq }: ServerContext) => ({
    agent: server.getClientVersion()?.name ?? '',
    signal: signal ? AbortSignal.any([signal, mcpReq.signal]) : mcpReq.signal,
  });
  if (operations) serveTasks(server, operations, { toResult: answered, by });
  const call = async ({ readOnly }: Tool, made: ToolCall) => {
    const answer = await tools.call(made);
    const begun = operations && !readOnly && answer.operation?.state === 'working' ? answer.operation : undefined;
    return begun && takesTasks(server) ? startedTask(begun) : answered(answer);
  };
  server.setRequestHandler('tools/list', ({ params }) => listed(tools.list(params?.cursor ?? '')));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { name, arguments: given = {} } = params;
    const tool = tools.find(name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool: ${name}`);
    const made = { name, arguments: given, ...by(context) };
    if (!tool.confirm) return call(tool, made);
    if (era === 'legacy') return answered(TOO_OLD);
    const confirmed = await confirmations.of(made, context);
    if (typeof confirmed === 'object') return confirmed.ask;
    if (confirmed === 'other')
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'The confirmation is for another call');
    if (confirmed === 'long') return answered(TOO_LONG);
    return confirmed === 'yes' ? call(tool, made) : answered(DECLINED);
  });
  return server;
}

const TOO_OLD: ToolAnswer = {
  text: 'A person has to confirm this call, for which the program needs protocol 2026-07-28 and elicitation.',
  failed: true,
};
const TOO_LONG: ToolAnswer = {
  text: `A person has to confirm this call, and sees at most ${MAX_SHOWN} characters of arguments. Nothing was done: give shorter ones.`,
  failed: true,
};
const DECLINED: ToolAnswer = { text: 'The person declined: nothing was done. Ask before you try again.', failed: true };

function listed({ tools, isLast }: ReturnType<Tools['list']>): ListToolsResult {
  const last = tools.at(-1);
  return {
    tools: tools.map(toMcp),
    ...(last && !isLast && { nextCursor: last.name }),
    ttlMs: LIST_TTL_MS,
    cacheScope: 'private',
  };
}

/** How long an agent's program may keep the list. */
const LIST_TTL_MS = 60_000;

function toMcp(tool: Tool): ListToolsResult['tools'][number] {
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: { ...tool.input, type: 'object' },
    ...(tool.output && { outputSchema: { ...tool.output, type: 'object' } }),
    annotations: {
      readOnlyHint: tool.readOnly,
      destructiveHint: tool.confirm,
      idempotentHint: tool.readOnly || tool.idempotent,
      openWorldHint: false,
    },
  };
}

function answered({ text, json, failed }: ToolAnswer): CallToolResult {
  return { content: [{ type: 'text', text }], ...(json && { structuredContent: json }), isError: failed };
}
