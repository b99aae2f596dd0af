import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningProcess, root, start } from '@rondo/harness';

/** A configuration of `.vscode/launch.json` that starts a program. */
export interface LaunchConfiguration {
  readonly name: string;
  readonly program: string;
  readonly runtimeArgs?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly outFiles?: readonly string[];
}

/**
 * Reads a configuration as the editor does.
 *
 * @param values of the editor's variables, such as `workspaceFolder` and `input:service`.
 * @throws Error if there is no such configuration, or a variable has no value.
 */
export function readConfiguration(name: string, values: Readonly<Record<string, string>>): LaunchConfiguration {
  const { configurations }: { readonly configurations: readonly LaunchConfiguration[] } = JSON.parse(
    readFileSync(join(root, '.vscode/launch.json'), 'utf8'),
  );
  const found = configurations.find((configuration) => configuration.name === name);
  if (found === undefined) throw new Error(`.vscode/launch.json has no configuration "${name}"`);
  const replaced = JSON.stringify(found).replace(/\$\{([\w:]+)\}/g, (_, variable: string) => {
    const value = values[variable];
    if (value === undefined) throw new Error(`\${${variable}} has no value`);
    return JSON.stringify(value).slice(1, -1);
  });
  return JSON.parse(replaced);
}

/** Starts a configuration's program under the inspector, stopped before its first line, as the editor does. */
export function startUnderInspector(
  { program, runtimeArgs = [], args = [], env = {} }: LaunchConfiguration,
  { cwd, env: extra }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): RunningProcess {
  return start(process.execPath, ['--inspect-brk=0', ...runtimeArgs, program, ...args], {
    cwd,
    env: { ...extra, ...env },
  });
}

/** Whether the editor looks for the source map of a built file: breakpoints in its source are set only then. */
export function isAmongOutFiles({ outFiles = [] }: LaunchConfiguration, built: string): boolean {
  return outFiles.some((glob) => new RegExp(`^${toPattern(glob)}$`).test(built));
}

function toPattern(glob: string): string {
  return glob
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\{([^}]*)\}/g, (_, names: string) => `(?:${names.replaceAll(',', '|')})`)
    .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
}
