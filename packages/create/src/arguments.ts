import path from 'node:path';
import { parseArgs } from 'node:util';
import { ask, type Terminal } from './ask.js';
import {
  type Arguments,
  faultOfFolder,
  faultOfName,
  type Given,
  isPlugin,
  PACKAGE_MANAGERS,
  type PackageManager,
  PLUGINS,
  type PluginName,
} from './choices.js';

/** How the command is used. */
export const USAGE = `npm create rondo FOLDER -- [--name NAME] [--samples] [--no-database] [--plugins LIST] [--package-manager npm|pnpm] [--yes]
  FOLDER             The folder to make. It must not exist, or be empty.
  --name NAME        The name of the app; by default that of the folder.
  --samples          With the sample applications: calculator, project-management and sales, which has a database.
  --no-database      Leave PostgreSQL out, until a service with a database brings it.
  --plugins LIST     What its services use besides Rondo's core, with commas: ${Object.keys(PLUGINS).slice(0, 4).join(', ')},
                     ${Object.keys(PLUGINS).slice(4).join(', ')}
  --package-manager  Whose commands README.md has: npm's or pnpm's.
  --yes              Ask nothing. On a terminal, the command asks for what no option says; --no-samples and --database are answers, too.`;

/** Where the command runs. */
export interface Surroundings {
  /** The folder in which the user typed it. */
  readonly directory: string;
  /** What npm and others say of themselves, in `npm_config_user_agent`. */
  readonly userAgent: string | undefined;
  /** The terminal to ask at; undefined without one. */
  readonly terminal: Terminal | undefined;
}

/** Where this process runs: npm runs scripts in their package, and `INIT_CWD` is the folder in which the user called it. */
export function surroundings(): Surroundings {
  const { stdin: input, stdout: output, env } = process;
  return {
    directory: env['INIT_CWD'] ?? process.cwd(),
    userAgent: env['npm_config_user_agent'],
    terminal: input.isTTY && output.isTTY ? { input, output } : undefined,
  };
}

/**
 * Reads the arguments of `npm create rondo`, and asks for what they don't say.
 *
 * @returns undefined if help is asked for.
 * @throws Error with one line that names the argument and the rule, or says that the user has given up.
 */
export async function readArguments(
  args: readonly string[],
  { directory, userAgent, terminal }: Surroundings = surroundings(),
): Promise<Arguments | undefined> {
  const parsed = parse(args, directory);
  if (parsed === undefined) return undefined;
  const { given, yes } = parsed;
  const usual: PackageManager = userAgent?.startsWith('pnpm/') ? 'pnpm' : 'npm';
  const answered = terminal === undefined || yes ? given : await ask(given, { terminal, directory, usual });
  const { folder, name, withSamples = false, withDatabase = true, plugins = [], packageManager = usual } = answered;
  if (folder === undefined || name === undefined) throw new Error('name the folder to make: npm create rondo my-app');
  return { folder, name, withSamples, withDatabase, plugins, packageManager };
}

function parse(
  args: readonly string[],
  directory: string,
): { readonly given: Given; readonly yes: boolean } | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      name: { type: 'string' },
      samples: { type: 'boolean' },
      database: { type: 'boolean' },
      plugins: { type: 'string' },
      'package-manager': { type: 'string' },
      yes: { type: 'boolean', short: 'y', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [target, stray] = positionals;
  if (stray !== undefined) throw new Error(`"${stray}" is not expected: options come after a "--"`);
  const { name = target && path.basename(path.resolve(directory, target)), samples, database } = values;
  const unusable = target && faultOfFolder(path.resolve(directory, target));

  if (unusable) throw new Error(unusable);
  const fault = name && faultOfName(name);
  if (fault) throw new Error(`${fault}${values.name === undefined ? ': give another by --name' : ''}`);
  if (samples && database === false) throw new Error('--samples needs PostgreSQL: leave --no-database out');
  const packageManager = PACKAGE_MANAGERS.find((one) => one === values['package-manager']);
  if (values['package-manager'] !== undefined && packageManager === undefined)
    throw new Error(`--package-manager "${values['package-manager']}" must be ${PACKAGE_MANAGERS.join(' or ')}`);
  const given = {
    ...(target !== undefined && { folder: path.resolve(directory, target) }),
    ...(name !== undefined && { name }),
    ...(samples !== undefined && { withSamples: samples }),
    ...(database !== undefined && { withDatabase: database }),
    ...(values.plugins !== undefined && { plugins: pluginsIn(values.plugins) }),
    ...(packageManager !== undefined && { packageManager }),
  };
  return { given, yes: values.yes };
}

/** The plugins of a list with commas. @throws Error that names one which doesn't exist. */
function pluginsIn(list: string): readonly PluginName[] {
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !isPlugin(name));
  if (unknown !== undefined) throw new Error(`--plugins "${unknown}" must be of ${Object.keys(PLUGINS).join(', ')}`);
  return names.filter(isPlugin);
}
