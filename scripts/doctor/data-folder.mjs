/** The folder that a system keeps its data in, and the locks of those who must be alone. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { otherOwner } from '../launch/data-folder.mjs';
import { root } from '../process.mjs';
import { fail, note, ok, warn } from './finding.mjs';
import { findSystem, readJson } from './system.mjs';

const ELSEWHERE = 'npm start -- --data DIR';
const AS_OWNER = `start as the user that it belongs to, or elsewhere: ${ELSEWHERE}`;

export async function data({ data: folder }) {
  const fault = unusable(nearest(folder));
  if (fault !== undefined) return fail(fault.detail, fault.remedy);
  if (!existsSync(folder)) return note(`${folder} isn't there yet: npm start makes it`);
  const { launcher, processes } = await findSystem(folder);
  if (launcher !== undefined) return ok(`${folder}, in use by the system that runs (process ${launcher})`);
  if (!existsSync(path.join(folder, 'launcher.json')) || processes.length === 0) return ok(folder);
  const left = processes.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return warn(
    `${folder}: whoever started ${left} has gone, and nobody will stop them`,
    // They end with whoever started them, unless they are stuck: a polite signal is lost on those.
    `kill -9 ${processes.map(({ pid }) => pid).join(' ')}`,
  );
}

function unusable(folder) {
  if (!statSync(folder).isDirectory()) return { detail: `${folder} is no folder`, remedy: `name one: ${ELSEWHERE}` };
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const remedy = error.code === 'EROFS' ? `start elsewhere: ${ELSEWHERE}` : AS_OWNER;
    return { detail: `${folder} can't be written to (${error.code})`, remedy };
  }
  const owner = otherOwner(folder);
  if (owner === undefined) return undefined;
  const detail = `${folder} belongs to another user (id ${owner}), and PostgreSQL lets nobody else into its files`;
  return { detail, remedy: AS_OWNER };
}

/** A lock whose holder has gone is taken over; one that says nothing is in everybody's way. */
export function locks({ data: folder }) {
  const files = [path.join(root, '.rondo/tree.lock'), path.join(folder, 'launcher.lock')].filter(isFile);
  const unreadable = files.filter((file) => !Number.isSafeInteger(readJson(file).pid));
  if (unreadable.length === 0) return ok(files.length === 0 ? 'none is held' : 'say who holds them');
  const named = unreadable.join(' ');
  return fail(`can't be read: ${named}`, `rm ${named}, if nothing is under way here`);
}

const isFile = (file) => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/**
 * The folder itself, or the one above that it would be made in.
 * @param {string} folder
 * @returns {string}
 */
export function nearest(folder) {
  return existsSync(folder) ? folder : nearest(path.dirname(folder));
}
