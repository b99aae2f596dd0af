/** Watches the files that services are built from. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { type Dirent, type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { codeOf } from '../workspace/errors.js';

const FOLDERS = ['proto', 'packages', 'plugins', 'services'];
const AT_THE_ROOT =
  /^(?:buf(?:\.gen)?\.yaml|pnpm-(?:lock|workspace)\.yaml|package\.json|tsconfig\.(?:base|build)\.json)$/;
/** The files that count. Temporary files of editors have other endings. */
const COUNTS =
  /(?:(?<!\.test)\.ts|\.proto|\.sql|\/\.env|\/package\.json|\/tsconfig\.json|\/page\/[^/]+\.(?:tsx|css|html|svg))$/;
/** Folders of projects that are left out. Folders under proto/ may have any name. */
const LEFT_OUT = /^(?:packages|plugins|services)\/[^/]+\/(?:node_modules|dist|test)$|^packages\/contracts\/src$/;
/** What to do about the limits, by the error of a watch that exceeds them: see inotify(7). */
const REMEDIES = new Map([
  ['ENOSPC', 'end what watches (an editor?), or sudo sysctl fs.inotify.max_user_watches=524288'],
  ['EMFILE', 'end what watches (an editor?), or sudo sysctl fs.inotify.max_user_instances=1024; and look at ulimit -n'],
]);
const QUIET_MS = 50;
/** How many times {@link QUIET_MS} a burst of events may last. */
const MAX_WAITS = 20;

/** A file's content. A file that was only touched keeps its digest. */
interface Content {
  readonly stat: string;
  readonly digest: string;
}
type Files = ReadonlyMap<string, Content>;

export type Tree = ReturnType<typeof watchTree>;

/**
 * Watches a workspace. Each folder has a watcher, whose events only trigger a scan. The scan finds the changes, so that it
 * doesn't matter how an editor or git writes files.
 *
 * @throws Error with one line if the machine's limit of watches is exceeded.
 */
export function watchTree(root: string) {
  const events = new EventEmitter();
  const watchers = new Map<string, FSWatcher>();
  /** Folders with `rename` events: a subfolder may have been replaced by another of its name and needs a new watcher. */
  const stirred = new Set<string>();
  /** Whether there were events since the files were compared. */
  let isStale = false;
  events.on('event', () => {
    isStale = true;
  });
  const enter = (folder: string) => {
    const old = watchers.get(folder);
    if (old !== undefined && !stirred.has(path.posix.dirname(folder))) return;
    const onEvent = (event: string) => {
      if (event === 'rename') stirred.add(folder);
      events.emit('event');
    };
    watchers.set(folder, watchFolder(path.join(root, folder), onEvent));
    old?.close();
  };
  const look = (known: Files): Files => {
    const { files, folders } = scan(root, known, enter);
    stirred.clear();
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    return files;
  };
  const close = () => {
    for (const watcher of watchers.values()) watcher.close();
  };
  let seen: Files;
  try {
    seen = look(new Map());
  } catch (error) {
    close(); // the process would not end before its watchers
    throw error;
  }
  const changesTo = (now: Files): readonly string[] => {
    const all = new Set([...seen.keys(), ...now.keys()]);
    return [...all].filter((file) => seen.get(file)?.digest !== now.get(file)?.digest).sort();
  };
  return {
    /**
     * Resolves when files have changed since the last `takeChanges`, and no event has followed for a moment; rejects when the signal
     * aborts.
     */
    async changed(signal: AbortSignal): Promise<void> {
      for (;;) {
        if (!isStale) await once(events, 'event', { signal });
        for (let waits = 0; isStale && waits < MAX_WAITS; waits += 1) {
          isStale = false;
          await setTimeout(QUIET_MS, undefined, { signal });
        }
        isStale = changesTo(look(seen)).length > 0;
        if (isStale) return; // the next `changed` resolves too, unless the changes are taken first
      }
    },
    /** The paths of files that were changed, added or removed since the last call, sorted. */
    takeChanges(): readonly string[] {
      isStale = false;
      const now = look(seen);
      const changes = changesTo(now);
      seen = now;
      return changes;
    },
    close,
  };
}

function watchFolder(folder: string, onEvent: (event: string) => void): FSWatcher {
  try {
    const watcher = watch(folder, onEvent);
    // The folder was removed; the watcher of its parent has reported it.
    return watcher.on('error', () => watcher.close());
  } catch (error) {
    const code = codeOf(error) ?? '';
    const remedy = REMEDIES.get(code);
    if (remedy === undefined) throw error;
    const fault = `no more folders can be watched (${code}): ${remedy}; or npm start, which watches none`;
    throw new Error(fault, { cause: error });
  }
}

/** Lists the files. It enters each folder, which watches it, before it reads it, so that no change is missed. */
function scan(root: string, known: Files, enter: (folder: string) => void) {
  const files = new Map<string, Content>();
  const folders = new Set<string>();
  const walk = (folder: string, counts: RegExp) => {
    folders.add(folder);
    const entries = unlessGone<Dirent[]>(() => {
      enter(folder);
      return readdirSync(path.join(root, folder), { withFileTypes: true });
    });
    for (const entry of entries ?? []) {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory() && folder !== '.' && !LEFT_OUT.test(name)) walk(name, counts);
      if (!entry.isFile() || !counts.test(name)) continue;
      const found = unlessGone(() => identify(path.join(root, name), known.get(name)));
      if (found !== undefined) files.set(name, found);
    }
  };
  walk('.', AT_THE_ROOT);
  for (const folder of FOLDERS) walk(folder, COUNTS);
  return { files, folders };
}

function identify(file: string, before: Content | undefined): Content {
  const { mtimeMs, ctimeMs, ino, size } = statSync(file);
  const stat = `${mtimeMs} ${ctimeMs} ${ino} ${size}`;
  if (before?.stat === stat) return before;
  return { stat, digest: createHash('sha256').update(readFileSync(file)).digest('hex') };
}

/** Undefined if the file or folder was removed meanwhile. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
