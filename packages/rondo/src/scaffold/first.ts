import { createService } from './create-service.js';
import { changePlugins } from './plugins.js';
import type { Workspace } from './workspace.js';

/** Makes the first service of a new app, in files that nobody has edited, with its plugins. */
export async function makeFirst(
  { root, tool }: Omit<Workspace, 'signal'>,
  name: string,
  plugins: readonly string[],
): Promise<void> {
  const { signal } = new AbortController();
  const progress = { step: async <T>(_: string, work: () => T | Promise<T>) => work() };
  const tree = { root, tool, signal, progress, isCommitted: true, written: new Map() };
  await createService({ ...tree, name, source: undefined, withDatabase: false, port: undefined });
  if (plugins.length > 0) await changePlugins({ ...tree, change: 'add', names: plugins, services: [name] });
}
