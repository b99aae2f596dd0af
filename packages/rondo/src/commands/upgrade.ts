import path from 'node:path';
import { defineCommand } from '../command.js';
import { flag, valued } from '../help.js';
import { findRunning } from '../launcher.js';
import { jsonOption } from '../options.js';
import type { UpgradedApp } from '../scaffold/index.js';
import { loadScaffold, printMade, workOnTree } from '../tree-work.js';

export const upgrade = defineCommand({
  name: 'upgrade',
  summary: "Moves an app to another version of Rondo's packages, with what that version changes in it.",
  details: [
    'It installs the packages, changes the files that npm create rondo wrote as their template has changed, generates and',
    'builds. Edits of your own stay: where the template changed the same lines, the file is left as it is, and the output has',
    'those lines. Everything must be committed before, so that git diff shows what the upgrade has changed. If a step fails,',
    'the commands of git that take it back are printed; the next ./rondo installs the packages of before.',
  ].join('\n'),
  options: {
    packages: {
      ...valued('DIR', "Take the packages from a folder, that of npm run pack -- --out, into the app's vendor/."),
      complete: 'folders',
    },
    force: flag("Keep the upgrade if the app doesn't build with it, to change its code."),
    ...jsonOption,
  },
  args: { version: '[version]' },
  examples: [
    ['upgrade', 'To the newest version that the registry has.'],
    ['upgrade --packages ../rondo/.rondo/packages', 'To the packages that a clone of Rondo has packed.'],
  ],
  exitCodes: { INTERRUPTED: 'Ctrl-C ended the command, which printed how git takes back what was changed.' },
  async run({ version, packages: folder, force }, context) {
    const { upgradeApp } = await loadScaffold('upgrade');
    const running = await findRunning(context);
    if (running !== undefined) {
      throw new Error(`a system runs on ${running.data}, with the packages that would be replaced: stop it first`);
    }
    const packages = folder && path.resolve(context.directory, folder);
    const upgraded = await workOnTree({ command: 'upgrade', force: false }, context, (tree) =>
      upgradeApp({ ...tree, version, packages, force }),
    );
    await printMade(upgraded, describe(upgraded), context);
    return undefined;
  },
});

function describe({ from, to, files, left, hints = [], complaints }: UpgradedApp): string {
  if (files.length === 0) return `The app has Rondo ${to}: none of its own files needs a change.\n`;
  return [
    `Upgraded from Rondo ${from} to ${to}:`,
    ...files.map((file) => `  ${file}`),
    ...left.flatMap(({ file, lines }) => [
      '',
      `${file} is left as you have edited it. The new template has otherwise:`,
      ...lines.split('\n').map((line) => `  ${line}`),
    ]),
    ...hints.flatMap((hint) => ['', hint]),
    '',
    'Next: git diff; npm run check; npm test; then commit.',
    ...(complaints === undefined ? [] : ['', 'It does not build until the code is changed:']),
    '',
  ].join('\n');
}
