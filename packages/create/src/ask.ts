import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import {
  type Arguments,
  faultOfFolder,
  faultOfName,
  type Given,
  isPlugin,
  PACKAGE_MANAGERS,
  type PackageManager,
  PLUGINS,
} from './choices.js';

/** Where questions are asked. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/** Where questions are asked, and what decides the answers by default. */
export interface Asking {
  readonly terminal: Terminal;
  /** The folder in which the app's folder is made. */
  readonly directory: string;
  /** The package manager by default. */
  readonly usual: PackageManager;
}

const NAME = 'my-app';

/** What is asked for; a symbol, if the user gives up. */
type Answers = { [P in Exclude<keyof Arguments, 'name'>]: Arguments[P] | symbol };

/**
 * Asks for what isn't given. Enter takes the first answer.
 *
 * @throws Error if the user gives up.
 */
export async function ask(given: Given, { terminal, directory, usual }: Asking): Promise<Arguments> {
  const { confirm, group, multiselect, select, text } = await import('@clack/prompts');
  const validate = (name: string | undefined) =>
    faultOfName(name || NAME) ?? faultOfFolder(path.resolve(directory, name || NAME));
  const contents = [
    { value: false, label: 'one service' },
    { value: true, label: 'one service and the samples', hint: 'calculator, project management, sales' },
  ];
  const plugins = Object.entries(PLUGINS).map(([value, hint]) => ({ value, hint }));
  const managers = { options: PACKAGE_MANAGERS.map((value) => ({ value })), initialValue: usual };
  const answers = await group<Answers>(
    {
      folder: async () =>
        given.folder ??
        text({ message: 'The folder of the app', placeholder: NAME, defaultValue: NAME, validate, ...terminal }),
      withSamples: async () =>
        given.withSamples ??
        (given.withDatabase !== false && select({ message: 'What it begins with', options: contents, ...terminal })),
      withDatabase: async ({ results }) =>
        given.withDatabase ??
        (results.withSamples === true ||
          confirm({ message: 'PostgreSQL, for services that store data?', ...terminal })),
      plugins: async () => {
        if (given.plugins !== undefined) return given.plugins;
        const message = 'Plugins, if any (rondo add adds others later)';
        const chosen = await multiselect({ message, options: plugins, required: false, ...terminal });
        return typeof chosen === 'symbol' ? chosen : chosen.filter(isPlugin);
      },
      packageManager: async () =>
        given.packageManager ??
        select({ message: 'The package manager whose commands you type', ...managers, ...terminal }),
    },
    {
      onCancel: () => {
        throw new Error('nothing was made');
      },
    },
  );
  const folder = path.resolve(directory, answers.folder);
  return { ...answers, folder, name: given.name ?? path.basename(folder) };
}
