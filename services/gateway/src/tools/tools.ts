import type { Logger, Principal } from '@rondo/rpc/call';
import type { Catalogue } from '../discovery/catalogue.js';
import { toolOf } from '../discovery/exposure.js';
import { type MethodTool, methodTool } from './tool.js';

/** The methods that are tools, among those that the gateway offers. */
export interface MethodTools {
  /** Those that a caller may call, by name. */
  of(principal: Principal | undefined): readonly MethodTool[];
  /** The tool with a name, if the caller may call it. */
  find(name: string, principal: Principal | undefined): MethodTool | undefined;
  /** The scopes that tools need, by name. */
  scopes(): readonly string[];
}

export interface MethodToolsOptions {
  readonly catalogue: Pick<Catalogue, 'services' | 'revision'>;
  /** Whether callers have verified principals: then each sees what its scopes allow. */
  readonly authenticates: boolean;
  readonly log: Logger;
}

/** Finds the tools among the methods that a catalogue offers. They are looked for once after each change. */
export function createMethodTools({ catalogue, authenticates, log }: MethodToolsOptions): MethodTools {
  let made: { readonly revision: number; readonly tools: ReadonlyMap<string, MethodTool> } | undefined;
  const all = () => {
    const { revision } = catalogue;
    if (made?.revision !== revision) made = { revision, tools: toolsIn(catalogue, log) };
    return made.tools;
  };
  const isFor = ({ auth }: MethodTool, principal: Principal | undefined) =>
    !authenticates || auth?.scopes.every((scope) => principal?.scopes.includes(scope)) !== false;
  return {
    of: (principal) => [...all().values()].filter((tool) => isFor(tool, principal)),
    find(name, principal) {
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
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}
