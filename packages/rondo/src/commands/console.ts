import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { defineCommand } from '../command.js';
import { flag } from '../help.js';
import { askProcesses } from '../launcher.js';
import { dataOption } from '../options.js';

export const openConsole = defineCommand({
  name: 'console',
  summary: 'Opens the console of npm start in a browser: the fleet, and a form for each method.',
  details: 'Elsewhere RONDO_GATEWAY_CONSOLE says where the gateway serves the console.',
  options: { print: flag('Print its address, and open nothing.'), ...dataOption },
  args: {},
  examples: [
    ['console', 'In the default browser.'],
    ['console --print', 'The address, for a browser elsewhere.'],
  ],
  async run({ print }, context) {
    const found = (await askProcesses(context)).find(({ console }) => console !== undefined);
    if (found === undefined)
      throw new Error(`no gateway of the system on ${context.dataDirectory} serves the console; npm start runs one`);
    const url = `http://${found.console}/console`;
    await context.stdout.write(`${url}\n`);
    if (!print && !(await opens(url)))
      await context.stderr.write('No program to open it was found: open it in a browser yourself.\n');
  },
});

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens an address by the desktop's program. False if there is none. */
async function opens(url: string): Promise<boolean> {
  const [program = 'xdg-open', ...args] = OPENERS[process.platform] ?? [];
  const child = spawn(program, [...args, url], { detached: true, stdio: 'ignore' });
  child.unref();
  return await once(child, 'spawn').then(
    () => true,
    () => false,
  );
}
