/** A JSON object, such as a schema. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A tool as an agent sees it. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** The JSON Schema of its arguments, an object. */
  readonly input: object;
  /** The JSON Schema of its answers, an object; undefined if they are text. */
  readonly output?: object;
  /** Whether it changes nothing. */
  readonly readOnly: boolean;
  /** Whether a call that is repeated with the same arguments has no further effect. */
  readonly idempotent: boolean;
  /** Whether a person has to confirm each call. */
  readonly confirm: boolean;
}

/** A call of a tool. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
  /** What the agent's program calls itself. It is not verified. */
  readonly agent: string;
  /** Aborts when the agent no longer waits. */
  readonly signal: AbortSignal;
}

/** What a tool answers. */
export interface ToolAnswer {
  readonly text: string;
  /** The answer by the schema of its tool; undefined if it failed, or if the tool answers with text. */
  readonly json?: JsonObject;
  readonly failed: boolean;
  /** The operation that it is. */
  readonly operation?: Operation;
}

/** What a tool has begun, and goes on after its answer. */
export interface Operation {
  readonly name: string;
  readonly state: 'working' | 'succeeded' | 'failed' | 'cancelled';
}

/** Asks about an operation by its name. */
type AskOperation = (name: string, by: Pick<ToolCall, 'agent' | 'signal'>) => Promise<ToolAnswer>;

/** The operations that tools have begun. */
export interface Operations {
  /** Answers with the operation. */
  readonly get: AskOperation;
  readonly cancel: AskOperation;
}

/** The tools of one caller. Nothing here knows of a protocol. */
export interface Tools {
  /** Who calls: a confirmation counts for this caller alone. */
  readonly caller: string;
  /** A page of the tools that the caller may call, by name: those after the name `after`. */
  list(after: string): { readonly tools: readonly Tool[]; readonly isLast: boolean };
  /** The tool with this name, if the caller may call it. */
  find(name: string): Tool | undefined;
  /** Calls a tool that `find` finds. What fails is an answer, too. */
  call(call: ToolCall): Promise<ToolAnswer>;
  /** Undefined if no tool begins one. */
  readonly operations?: Operations | undefined;
}

/** Answers a request of an agent's program. The end of the request's signal cancels what it has called. */
export type ServeTools = (request: Request, tools: Tools) => Promise<Response>;
