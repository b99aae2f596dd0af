import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { observeFiles, publishedSamples, publishedVersions, renderTemplate } from 'create-rondo';
import { decisionsIn } from '../../contract/auth-matrix.js';
import { OVERLAYS, withDecision } from '../../kubernetes/files.js';
import { messageOf } from '../../workspace/errors.js';
import { tool } from '../../workspace/paths.js';
import { mergeFile, movePins, type Versions } from '../merge-file.js';
import { drawPlugins, pluginsInUse } from '../plugins.js';
import { removableServices } from '../remove-service.js';
import { filesAt, readText } from '../repository.js';
import { formatted } from '../workspace.js';
import { addToPrometheus, PROMETHEUS } from '../workspace-files/prometheus-file.js';

/** The file by which the two versions of an upgrade talk: each must understand what the other one writes. */
export const HANDOVER = '.rondo/upgrade.json';

/** What the version before tells the new one. */
export interface Handover {
  readonly from: string;
  /** The name of the app, as the template has it. */
  readonly name: string;
  readonly withDatabase: boolean;
  /** The program whose commands README.md has. */
  readonly packageManager: 'npm' | 'pnpm';
  /** The files of the template of the version before. */
  readonly template: Readonly<Record<string, string>>;
}

/** What the new version changes in an app, besides the versions of Rondo's packages. */
export interface Migration {
  /** The texts of changed files; null for a file to remove. */
  readonly files: Readonly<Record<string, string | null>>;
  /** Files of the template that stay as the app has them, with the lines that the new template has otherwise. */
  readonly left: readonly { readonly file: string; readonly lines: string }[];
  /** Defaults that have changed, with what to do about it. */
  readonly hints?: readonly string[];
}

/** What an app of version 0.2 notices of defaults that have changed since. */
const SINCE_0_2 = [
  'Beyond the loopback, a process whose contracts restrict callers starts only once RONDO_AUTH is set. Where it was not set, this upgrade sets it to off, as before: with on, which needs TLS, only callers that the contracts allow are served.',
  'Registries of other kinds, NATS, Redis, tokens, OTLP, and ring_hash, zone_aware, subsets, hedges, breakers and bulkheads are plugins now, which a service passes to runService. Services have those that contracts, docker-compose.yml, .env and infra/ use; if a service needs another one, its start names the command that adds it, such as: ./rondo add registry-consul',
];

/** Plans what an upgrade to this version changes, and replaces the handover by it. The version before makes the changes. */
export async function writeMigration(root: string): Promise<void> {
  const handover: Handover = JSON.parse(readText(root, HANDOVER));
  const template = renderTemplate({ ...handover, versions: publishedVersions() });
  const migration = await mergeTemplates(root, { before: handover.template, after: template });
  const overlays = [...decisionsIn(root)].filter(([file, auth]) => file.startsWith(OVERLAYS) && auth === undefined);
  const decided = overlays.map(([file]) => [file, withDecision(readText(root, file))] as const);
  // An app that this version has made has its template.
  const isOf02 = /^0\.[12]\./.test(handover.from) && !isDeepStrictEqual(template, handover.template);
  const merged = { ...observeFor(root, migration.files), ...migration.files, ...Object.fromEntries(decided) };
  const { added, refused } = isOf02 ? pluginsFor(root, merged) : { added: [], refused: [] };
  const files = { ...merged, ...Object.fromEntries(added) };
  const hints = isOf02 ? [...SINCE_0_2, ...refused] : [];
  // Version 0.2.0 needs this list.
  writeFileSync(path.join(root, HANDOVER), JSON.stringify({ ...migration, files, hints, renamed: [] }));
}

/** What the compose file includes, for an app from before it did. */
function observeFor(root: string, changed: Migration['files']): Readonly<Record<string, string>> {
  const included = changed['docker-compose.yml']?.includes('infra/observe/');
  if (!included || filesAt(root, 'infra/observe').length > 0) return {};
  const files = observeFiles(publishedSamples, false);
  return { ...files, [PROMETHEUS]: removableServices(root).reduce(addToPrometheus, files[PROMETHEUS] ?? '') };
}

/** The plugins that the app uses, in its services, of which some imports have moved to one; or why they can't be written. */
function pluginsFor(root: string, changed: Migration['files']) {
  const moved = filesAt(root, 'services').flatMap((file) => {
    const before = file.endsWith('.ts') ? readText(root, file) : '';
    const after = withMovedImports(before);
    return after === before ? [] : [[file, after] as const];
  });
  const names = [...new Set([...pluginsInUse(root, changed), ...(moved.length > 0 ? ['balancing'] : [])])];
  try {
    const drawn = [...moved, ...drawPlugins(root, { change: 'add', names })];
    return { added: drawn.map(([file, text]) => [file, formatted({ root, tool }, file, text)] as const), refused: [] };
  } catch (error) {
    const refused = `The app uses ${names.join(', ')}, which could not be added to its services: ${messageOf(error)}`;
    return { added: [], refused: [refused] };
  }
}

/** What changes in the app at `root` between two templates. */
export async function mergeTemplates(
  root: string,
  { before, after }: Readonly<Record<'before' | 'after', Handover['template']>>,
): Promise<Migration> {
  const files: Record<string, string | null> = {};
  const left: { file: string; lines: string }[] = [];
  for (const file of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const own = existsSync(path.join(root, file)) ? readText(root, file) : undefined;
    const { text, lines } = await mergeFile(pinned(file, { own, before: before[file], after: after[file] }));
    if (text !== own) files[file] = text ?? null;
    if (lines !== undefined) left.push({ file, lines });
  }
  return { files, left };
}

/** The versions in a manifest move first, so that its other lines can be merged. */
function pinned(file: string, { own, before, after }: Versions): Versions {
  if (path.basename(file) !== 'package.json') return { own, before, after };
  const moved = (text: string | undefined) => text && movePins(text, { before, after });
  return { own: moved(own), before: moved(before), after };
}

/** What `@rondo/rpc/client` had in version 0.2, and `@rondo/balancing/scatter` has now. */
const MOVED = /^(?:type )?(?:broadcast|scatterStream|BroadcastOptions|PartResults?|ScatterStreamOptions)\b/;
const IMPORT = /^import (type )?\{([^}]*)\} from '@rondo\/rpc\/client';$/gm;

/** A source of an app of version 0.2 that imports scatter-gather from where it is now; the same text if it imports none. */
export function withMovedImports(text: string): string {
  return text.replace(IMPORT, (whole, type = '', list: string) => {
    const names = list.split(',').flatMap((name) => name.trim() || []);
    const moved = names.filter((name) => MOVED.test(name));
    if (moved.length === 0) return whole;
    const others = names.filter((name) => !moved.includes(name));
    const imported = (from: readonly string[], module: string) => {
      const isTypes = type !== '' || from.every((name) => name.startsWith('type '));
      const named = isTypes ? from.map((name) => name.replace('type ', '')) : from;
      return from.length === 0 ? [] : `import ${isTypes ? 'type ' : ''}{ ${named.join(', ')} } from '${module}';`;
    };
    return [imported(moved, '@rondo/balancing/scatter'), imported(others, '@rondo/rpc/client')].flat().join('\n');
  });
}
