import { readFileSync } from 'node:fs';
import path from 'node:path';
import { blockingSteps } from '../check/migrations.js';
import { run } from '../workspace/process.js';

export interface Migrations {
  /** The files that what runs doesn't have, by their paths from the root. */
  readonly added: readonly string[];
  /** What would stop or break replicas of the version that runs, or keep those of the new version from starting. */
  readonly faults: readonly string[];
}

/**
 * Compares the migrations of a workspace with those of a commit that runs.
 *
 * @param since a commit, a tag or a branch of git.
 * @throws Error if git doesn't know it.
 */
export async function findMigrations(root: string, since: string): Promise<Migrations> {
  const args = ['diff', '--name-status', '--no-renames', '--relative', since, '--', 'services/*/migrations/*.sql'];
  const { code, output } = await run('git', args, { cwd: root });
  if (code !== 0) throw new Error(`--since ${since}: ${output.trim()}; name the commit or the tag that runs`);
  const changes = output
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'));
  const others = await run('git', ['ls-files', '--others', '--exclude-standard', '--', 'services/*/migrations/*.sql'], {
    cwd: root,
  });
  const named = (status: string) => changes.filter(([is]) => is === status).map(([, file = '']) => file);
  const added = [...named('A'), ...others.output.split('\n').filter(Boolean)].toSorted();
  // A new service meets no replica, so its first migration may do anything.
  const meeting = added.filter((file) => !path.basename(file).startsWith('0001_'));
  const steps = await blockingSteps(
    meeting.map((file) => ({ file: path.join(root, file), sql: readFileSync(path.join(root, file), 'utf8') })),
  );
  const applied = [...named('M'), ...named('D')].map(
    (file) => `${file}: was applied in another form, and new replicas refuse to start; restore it, and add a migration`,
  );
  const lines = steps.split('\n').filter((line) => line.startsWith(root));
  return { added, faults: [...applied, ...lines.map((line) => path.relative(root, line))] };
}
