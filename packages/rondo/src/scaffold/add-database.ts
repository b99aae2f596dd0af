import { publishedVersions, renderTemplate } from 'create-rondo';
import { Refusal } from './errors.js';
import { packagesOf } from './packages.js';
import { readText } from './repository.js';
import { mergeTemplates } from './upgrade/migration.js';

export const WORKSPACE = 'pnpm-workspace.yaml';
type Versions = ReturnType<typeof publishedVersions>;

/** Whether the workspace has what brings PostgreSQL: an app may be made without. */
export const hasDatabase = (root: string): boolean =>
  !readText(root, WORKSPACE).includes('ignoredOptionalDependencies');

/**
 * What changes in an app that was made without PostgreSQL if it gets one: the difference of the two templates, merged into its files.
 *
 * @returns The texts of the changed files; none if the workspace has PostgreSQL.
 * @throws Refusal if edits of the app stand in the way.
 */
export async function addDatabase(root: string, given?: Versions): Promise<ReadonlyMap<string, string>> {
  if (hasDatabase(root)) return new Map();
  const name = packagesOf(root).scope.slice(1);
  const versions = given ?? publishedVersions(); // a clone of Rondo has none
  const template = (withDatabase: boolean) => renderTemplate({ name, withDatabase, packageManager: 'npm', versions });
  const { files, left } = await mergeTemplates(root, { before: template(false), after: template(true) });
  const [first] = left;
  if (first !== undefined) {
    const remedy = `change it by hand, as the template of an app with PostgreSQL has it:\n${first.lines}`;
    throw new Refusal('PostgreSQL is missing, and its lines are edited', { place: { file: first.file }, remedy });
  }
  return new Map(Object.entries(files).flatMap(([file, text]) => (text === null ? [] : [[file, text]])));
}
