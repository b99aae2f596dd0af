import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { didYouMean } from '@rondo/rpc/internal';
import { defineActions } from '../command.js';
import { formatRules, type PackageRules, rulesOf } from '../contract/auth-matrix.js';
import { asUsage, UsageError } from '../errors.js';
import { flag } from '../help.js';
import { jsonOption } from '../options.js';
import { DESCRIPTORS } from '../workspace/contracts.js';

export const auth = defineActions({
  name: 'auth',
  summary: 'Prints who may call which method while security is on.',
  details: [
    'The rules are those of auth in the contracts of this workspace, as the last build has compiled them. A method without a',
    'rule is for no caller while RONDO_AUTH=on. If a rule has scopes and callers, a call needs both: all of the scopes, and one of',
    "the processes. Packages of Rondo's that an app imports are printed if they are named.",
  ].join('\n'),
  options: {
    markdown: flag('Print tables in Markdown.'),
    ...jsonOption,
  },
  examples: [
    ['auth matrix', 'The rules of the contracts in proto/.'],
    ['auth matrix --json | jq \'.packages[].methods[] | select(.auth == "public")\'', 'What every caller may call.'],
  ],
  actions: {
    matrix: {
      args: { names: '[package] …' },
      complete: async (_, { repository }) => read(repository).map((one) => ({ word: one.package })),
      async run({ names, markdown }, { repository }) {
        const own = read(repository, (file) => existsSync(path.join(repository, 'proto', file)));
        const packages = names.length === 0 ? own : names.map((name) => find([...own, ...read(repository)], name));
        return { json: { packages }, text: formatRules(packages, markdown) };
      },
    },
  },
});

function read(repository: string, isOwn?: (file: string) => boolean): readonly PackageRules[] {
  const file = path.join(repository, DESCRIPTORS);
  const tell = (reason: string) => `the contracts can't be read from ${file} (${reason}); run npm run build first`;
  return asUsage(() => rulesOf(readFileSync(file), isOwn), tell);
}

function find(all: readonly PackageRules[], name: string): PackageRules {
  const found = all.find((one) => one.package === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.package);
  throw new UsageError(
    `no package ${name} has rules; rondo auth matrix lists those that have.${didYouMean(name, names)}`,
  );
}
