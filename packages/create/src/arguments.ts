import path from 'node:path';
import { parseArgs } from 'node:util';

/** How the command is used. */
export const USAGE = `npm create rondo FOLDER -- [--name NAME] [--samples] [--no-database]
  FOLDER          The folder to make. It must not exist, or be empty.
  --name NAME     The name of the app; by default that of the folder.
  --samples       With the sample applications: calculator, project-management and sales, which has a database.
  --no-database   Leave PostgreSQL out: docker-compose.yml has none, and the packages that bring it aren't installed.`;

/** What is made. */
export interface Arguments {
  /** An absolute path. */
  readonly folder: string;
  /** The name of the root's package, and the scope of the app's other packages. */
  readonly name: string;
  readonly withDatabase: boolean;
  readonly withSamples: boolean;
}

const NAME = /^[a-z][a-z0-9-]{0,49}$/;

/**
 * Reads the arguments of `npm create rondo`.
 *
 * @param directory The folder in which the user typed it.
 * @returns undefined if help is asked for.
 * @throws Error with one line that names the argument and the rule.
 */
export function parseArguments(args: readonly string[], directory: string): Arguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: 'string' },
      samples: { type: 'boolean', default: false },
      'no-database': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [given, stray] = positionals;
  if (given === undefined) throw new Error('name the folder to make: npm create rondo my-app');
  if (stray !== undefined) throw new Error(`"${stray}" is not expected: options come after a "--"`);
  const folder = path.resolve(directory, given);
  const name = values.name ?? path.basename(folder);
  if (!NAME.test(name)) {
    const rule = 'must begin with a letter and have only a-z, 0-9 and -, 50 characters at most';
    throw new Error(`the name "${name}" ${rule}${values.name === undefined ? ': give another by --name' : ''}`);
  }
  if (values.samples && values['no-database']) throw new Error('--samples needs PostgreSQL: leave --no-database out');
  return { folder, name, withDatabase: !values['no-database'], withSamples: values.samples };
}
