/** Watches the files that services are built from. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, watch } from 'node:fs';
import path from 'node:path';

const FOLDERS = ['proto', 'packages', 'services'];
const AT_THE_ROOT =
  /^(?:buf(?:\.gen)?\.yaml|pnpm-(?:lock|workspace)\.yaml|package\.json|tsconfig\.(?:base|build)\.json)$/;
/** The files that count. Temporary files of editors have other endings. */
const COUNTS = /(?:(?<!\.test)\.ts|\.proto|\.sql|\/\.env|\/package\.json|\/tsconfig\.json)$/;
/** Folders of projects that are left out. Folders under proto/ may have any name. */
const LEFT_OUT = /^(?:packages|services)\/[^/]+\/(?:node_modules|dist|test)$|^packages\/contracts\/src$/;
/** What to do about the limits, by the error of a watch that exceeds them: see inotify(7). */
const REMEDIES = {
  ENOSPC: 'end what watches (an editor?), or sudo sysctl fs.inotify.max_user_watches=524288',
  EMFILE: 'end what watches (an editor?), or sudo sysctl fs.inotify.max_user_instances=1024; and look at ulimit -n',
};
const QUIET_MS = 50;
/** The longest wait for the end of a burst of events. */
const MAX_QUIET_MS = 1_000;

/**
 * @typedef {object} Tree
 * @property {(signal: AbortSignal) => Promise<void>} changed Resolves when files have changed since the last `takeChanges`, and
 *   no event has followed for a moment; rejects when the signal aborts. Only one caller may wait at a time.
 * @property {() => boolean} isChanged Whether files have changed since the last `takeChanges`.
 * @property {() => string[]} takeChanges The paths of files that were changed, added or removed since the last call, sorted.
 * @property {() => void} close
 */

/**
 * Watches a repository. Each folder has a watcher, whose events only trigger a scan. The scan finds the changes, so that it
 * doesn't matter how an editor or git writes files.
 * @param {string} root
 * @returns {Tree}
 * @throws {Error} with one line if the machine's limit of watches is exceeded.
 */
export function watchTree(root) {
  const bell = createBell();
  const watchers = new Map();
  // Folders with `rename` events: a subfolder may have been replaced by another of its name and needs a new watcher.
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
  const close = () => {
    bell.reset();
    for (const watcher of watchers.values()) watcher.close();
  };
  let seen;
  try {
    seen = look(new Map());
  } catch (error) {
    close(); // the process would not end before its watchers
    throw error;
  }
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
      bell.ring(); // the next `changed` resolves too, unless the changes are taken first
    },
    isChanged: () => compare(look(seen)).length > 0,
    takeChanges() {
      bell.reset();
      const now = look(seen);
      const changes = compare(now);
      seen = now;
      return changes;
    },
    close,
  };
}

function watchFolder(folder, onEvent) {
  try {
    const watcher = watch(folder, onEvent);
    // The folder was removed; the watcher of its parent has reported it.
    return watcher.on('error', () => watcher.close());
  } catch (error) {
    if (!(error.code in REMEDIES)) throw error;
    throw new Error(
      `no more folders can be watched (${error.code}): ${REMEDIES[error.code]}; or npm start, which watches none`,
      {
        cause: error,
      },
    );
  }
}

/** Lists the files. It watches each folder before it reads it, so that no change is missed. */
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
    if (error.code === 'ENOENT') return []; // the folder was removed meanwhile
    throw error;
  }
}

/** The digest of a file. A file that was only touched keeps its digest. */
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

/** A debounced event: it fires once for a burst of `ring` calls. */
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
