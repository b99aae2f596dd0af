/** Every check that needs the repository, in the order in which it is told. A new one is a function and a row. */
import { loadRootEnv } from '../launch/options.mjs';
import { data, locks, ports, processes } from './runtime.mjs';
import { database } from './database.mjs';
import { examine } from './finding.mjs';
import { cores, disk, git, memory, node, npm, openFiles, platform } from './machine.mjs';
import { findSystem } from './system.mjs';
import { built, generated, packages } from './workspace.mjs';

/** @type {import('./finding.mjs').Check[]} */
const checks = [
  ['platform', platform],
  ['node', node],
  ['npm', npm],
  ['git', git],
  ['cores', cores],
  ['memory', memory],
  ['disk', disk],
  ['open files', openFiles],
  ['packages', packages],
  ['generated code', generated],
  ['built code', built],
  ['data folder', data],
  ['locks', locks],
  ['ports', ports],
  ['processes', processes],
  ['database', database],
];

/**
 * What it finds is what `npm start` would find, with the variables of the root's `.env`.
 * @param {import('./finding.mjs').Subject} subject
 */
export function examineRepository(subject) {
  loadRootEnv();
  return examine(checks, subject);
}

/**
 * Where the registry of the system that runs is; undefined where none does.
 * @param {string} data
 * @returns {Promise<string | undefined>}
 */
export async function runningRegistry(data) {
  const { processes, portBase } = await findSystem(data);
  return processes.length === 0 ? undefined : `127.0.0.1:${portBase}`;
}
