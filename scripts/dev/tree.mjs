/** The files that decide what runs, and when they change. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, watch } from 'node:fs';
import path from 'node:path';

const FOLDERS = ['proto', 'packages', 'services'];
const AT_THE_ROOT =
  /^(?:buf(?:\.gen)?\.yaml|pnpm-(?:lock|workspace)\.yaml|package\.json|tsconfig\.(?:base|build)\.json)$/;
/** What editors keep beside a file has other endings. */
const COUNTS = /(?:(?<!\.test)\.ts|\.proto|\.sql|\/\.env|\/package\.json|\/tsconfig\.json)$/;
/** Beside a `src`; a folder of contracts may be called anything. */
const LEFT_OUT = /^(?:packages|services)\/[^/]+\/(?:node_modules|dist|test)$|^packages\/contracts\/src$/;
const EXHAUSTED = ['ENOSPC', 'EMFILE'];
const QUIET_MS = 50;
/** A burst that doesn't end is looked at all the same. */
const MAX_QUIET_MS = 1_000;

/**
 * @typedef {object} Tree
 * @property {(signal: AbortSignal) => Promise<void>} changed Resolves when something has changed since the last
 *   `takeChanges`, and has then been left alone for a moment; rejects when the signal aborts. For one who waits at a time.
 * @property {() => string[]} takeChanges The files that have another content than the last time, came or went; by path.
 * @property {() => void} close
 */

/**
 * Watches a repository. Each folder has a watcher of its own, which only says that it is time to look: what has
 * changed is found by looking, so that it doesn't matter how an editor or git writes.
 * @param {string} root
 * @returns {Tree}
 * @throws {Error} with one line, when the machine lets no more folders be watched.
 */
export function watchTree(root) {
  const bell = createBell();
  const watchers = new Map();
  // Where entries came or went, a folder may have made room for another one of its name.
  const stirred = new Set();
  const enter = (folder) => {
    const old = watchers.get(folder);
    if (old !== undefined && !stirred.has(path.posix.dirname(folder))) return;
    const onEvent = (event) => {
      if (event === 'rename') stirred.add(folder);
      bell.ring();
    };
    watchers.set(folder, watchFolder(path.join(root, folder), onEvent));
    old?.close();
  };
  const look = (known) => {
    const { files, folders } = scan(root, { known, enter });
    stirred.clear();
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      watchers.delete(folder);
    }
    return files;
  };
  let seen = look(new Map());
  const compare = (now) => {
    const all = new Set([...seen.keys(), ...now.keys()]);
    return [...all].filter((file) => seen.get(file)?.digest !== now.get(file)?.digest).sort();
  };
  return {
    async changed(signal) {
      do {
        await bell.rung(signal);
        bell.reset();
      } while (compare(look(seen)).length === 0);
      bell.ring(); // for the next who waits, unless the changes are taken
    },
    takeChanges() {
      bell.reset();
      const now = look(seen);
      const changes = compare(now);
      seen = now;
      return changes;
    },
    close() {
      bell.reset();
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function watchFolder(folder, onEvent) {
  try {
    const watcher = watch(folder, onEvent);
    // The folder has gone: the one above has rung.
    return watcher.on('error', () => watcher.close());
  } catch (error) {
    if (!EXHAUSTED.includes(error.code)) throw error;
    throw new Error(`no more folders can be watched (${error.code}): raise fs.inotify's limits by sysctl`, {
      cause: error,
    });
  }
}

/** Enters a folder before it is read: what comes between the two is read, what comes after rings. */
function scan(root, { known, enter }) {
  const files = new Map();
  const folders = new Set();
  const walk = (folder, counts) => {
    folders.add(folder);
    for (const entry of read(root, folder, enter)) {
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory() && folder !== '.' && !LEFT_OUT.test(name)) walk(name, counts);
      else if (entry.isFile() && counts.test(name)) {
        const found = identify(path.join(root, name), known.get(name));
        if (found !== undefined) files.set(name, found);
      }
    }
  };
  walk('.', AT_THE_ROOT);
  for (const folder of FOLDERS) walk(folder, COUNTS);
  return { files, folders };
}

function read(root, folder, enter) {
  try {
    enter(folder);
    return readdirSync(path.join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return []; // it has gone meanwhile
    throw error;
  }
}

/** A file that was only touched has the digest that it had. */
function identify(file, before) {
  try {
    const { mtimeMs, ctimeMs, ino, size } = statSync(file);
    const stat = `${mtimeMs} ${ctimeMs} ${ino} ${size}`;
    if (before?.stat === stat) return before;
    return { stat, digest: createHash('sha256').update(readFileSync(file)).digest('hex') };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Rings once for a burst. */
function createBell() {
  let firstAt;
  let timer;
  let heard = false;
  let wake = () => {};
  const tell = () => {
    heard = true;
    wake();
  };
  return {
    ring() {
      firstAt ??= performance.now();
      clearTimeout(timer);
      timer = setTimeout(tell, Math.max(0, Math.min(QUIET_MS, firstAt + MAX_QUIET_MS - performance.now())));
    },
    reset() {
      clearTimeout(timer);
      firstAt = undefined;
      heard = false;
    },
    rung(signal) {
      return new Promise((resolve, reject) => {
        const end = () => reject(signal.reason);
        wake = () => {
          signal.removeEventListener('abort', end);
          resolve();
        };
        if (signal.aborted) end();
        else if (heard) wake();
        else signal.addEventListener('abort', end, { once: true });
      });
    },
  };
}
