import {
  type CallToolResult,
  fromJsonSchema,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Operation, Operations, ToolAnswer, ToolCall } from './tools.js';

/** The extension by which a program asks later for what a tool has begun. Source: https://modelcontextprotocol.github.io/ext-tasks */
const TASKS = 'io.modelcontextprotocol/tasks';
/** How often a program should ask. */
const POLL_MS = 2_000;

/** What a server that has operations says of itself. */
export const TASKS_CAPABILITY = { extensions: { [TASKS]: {} } };

/** Whether the program of this request can wait for tasks. */
export const takesTasks = (server: Server): boolean =>
  server.getClientCapabilities()?.extensions?.[TASKS] !== undefined;

/** The answer of a tool whose operation goes on, as a task. Nothing is kept of it: its id is the operation's name and the time. */
export function startedTask(operation: Operation): CallToolResult {
  return { resultType: 'task', content: [], ...taskOf(operation, `${operation.name}@${Date.now()}`) };
}

/** How the answers of tools are shown, and who asks. */
interface Shown {
  toResult(answer: ToolAnswer): CallToolResult;
  by(context: ServerContext): Pick<ToolCall, 'agent' | 'signal'>;
}

/** Answers what programs ask about tasks. */
export function serveTasks(server: Server, { get, cancel }: Operations, { toResult, by }: Shown): void {
  const serve = (method: string, ask: Operations['get'], show: (answer: ToolAnswer, id: string) => object) =>
    server.setRequestHandler(method, { params: PARAMS }, async ({ taskId }, context) => {
      if (!takesTasks(server))
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: TASKS_CAPABILITY });
      const name = NAME.exec(taskId)?.[1];
      if (name === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown task: ${taskId}`);
      const answer = await ask(name, by(context));
      if (answer.failed) throw new ProtocolError(ProtocolErrorCode.InvalidParams, answer.text);
      return { ...show(answer, taskId) };
    });
  serve('tasks/get', get, (answer, id) => {
    const { operation } = answer;
    const isError = operation?.state === 'failed';
    const hasResult = isError || operation?.state === 'succeeded';
    return { ...taskOf(operation, id), ...(hasResult && { result: { ...toResult(answer), isError } }) };
  });
  serve('tasks/cancel', cancel, () => ({}));
  // No task asks for input.
  serve('tasks/update', get, () => ({}));
}

const NAME = /^(.+)@\d{13}$/;
const PARAMS = fromJsonSchema<{ taskId: string }>({
  type: 'object',
  properties: { taskId: { type: 'string' } },
  required: ['taskId'],
});

function taskOf(operation: Operation | undefined, taskId: string) {
  return {
    taskId,
    status: STATUS[operation?.state ?? 'working'],
    createdAt: new Date(Number(taskId.slice(taskId.lastIndexOf('@') + 1))).toISOString(),
    lastUpdatedAt: new Date().toISOString(),
    ttlMs: null,
    pollIntervalMs: POLL_MS,
  };
}

/** A task that failed is one that couldn't be answered: an operation that ended with an error is a result. */
const STATUS = { working: 'working', succeeded: 'completed', failed: 'completed', cancelled: 'cancelled' } as const;
