import type { Logger, Principal } from '@rondo/rpc/call';
import { GET_OPERATION } from '@rondo/schema';
import type { Catalogue, PublicMethod } from '../discovery/catalogue.js';
import { toolOf } from '../discovery/exposure.js';
import { startsOperation } from '../discovery/operations.js';
import { type MethodTool, methodTool, operationTool } from './tool.js';

/** The methods that are tools, among those that the gateway offers. */
export interface MethodTools {
  /** Those that a caller may call, by name. */
  of(principal: Principal | undefined): readonly MethodTool[];
  /** The tool with a name, if the caller may call it. */
  find(name: string, principal: Principal | undefined): MethodTool | undefined;
  /** The methods by which a caller reads and cancels what its tools begin; undefined if none of them begins an operation. */
  operations(principal: Principal | undefined): OperationTools | undefined;
  /** The scopes that tools need, by name. */
  scopes(): readonly string[];
}

interface OperationTools {
  readonly get: MethodTool;
  readonly cancel: MethodTool;
}

export interface MethodToolsOptions {
  readonly catalogue: Pick<Catalogue, 'services' | 'revision'>;
  /** Whether callers have verified principals: then each sees what its scopes allow. */
  readonly authenticates: boolean;
  readonly log: Logger;
  /** The methods by which operations are read and cancelled. */
  readonly operations?: { readonly get: PublicMethod | undefined; readonly cancel: PublicMethod | undefined };
}

/** Finds the tools among the methods that a catalogue offers. They are looked for once after each change. */
export function createMethodTools(options: MethodToolsOptions): MethodTools {
  const { catalogue, authenticates, log, operations: { get, cancel } = {} } = options;
  const ofOperations = get && cancel && { get: operationTool(get), cancel: operationTool(cancel) };
  let made: { readonly revision: number; readonly tools: ReadonlyMap<string, MethodTool> } | undefined;
  const all = () => {
    const { revision } = catalogue;
    if (made?.revision !== revision) made = { revision, tools: toolsIn(catalogue, log) };
    return made.tools;
  };
  const isFor = ({ auth }: MethodTool, principal: Principal | undefined) =>
    !authenticates || auth?.scopes.every((scope) => principal?.scopes.includes(scope)) !== false;
  const own = (principal: Principal | undefined) => [...all().values()].filter((tool) => isFor(tool, principal));
  const operations = (principal: Principal | undefined) =>
    own(principal).some(({ target }) => startsOperation(target.desc)) ? ofOperations : undefined;
  return {
    of(principal) {
      const reading = operations(principal)?.get;
      return reading === undefined ? own(principal) : [...own(principal), reading].sort(byName);
    },
    operations,
    find(name, principal) {
      if (name === GET_OPERATION) return operations(principal)?.get;
      const tool = all().get(name);
      return tool && isFor(tool, principal) ? tool : undefined;
    },
    scopes: () => [...new Set([...all().values()].flatMap(({ auth }) => auth?.scopes ?? []))].sort(),
  };
}

/** `npm run generate` refuses two tools of one name, unless their contracts are of two workspaces: then the first service has it. */
function toolsIn({ services }: Pick<Catalogue, 'services'>, log: Logger): ReadonlyMap<string, MethodTool> {
  const found = new Map<string, MethodTool>();
  for (const target of services.flatMap(({ methods }) => methods)) {
    const policy = toolOf(target.desc);
    if (policy === undefined || target.desc.methodKind !== 'unary') continue;
    const tool = methodTool(target, policy);
    const other = found.get(tool.name);
    if (other === undefined) found.set(tool.name, tool);
    else
      log.warn(
        { tool: tool.name, method: target.method.path, of: other.target.method.path },
        'a method is no tool: another has its name',
      );
  }
  return new Map([...found.values()].sort(byName).map((tool) => [tool.name, tool]));
}

const byName = (one: MethodTool, other: MethodTool) => (one.name < other.name ? -1 : 1);
