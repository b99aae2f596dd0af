/** `processes.json` of the data folder: the ids of the services' processes, for what wants to signal one of them. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const fileIn = (data) => path.join(data, 'processes.json');

/**
 * Writes those that run; the file is whole at every moment.
 * @param {string} data
 * @param {import('./children.mjs').Child[]} children
 */
export function writeProcesses(data, children) {
  const running = children.filter(({ isRunning }) => isRunning());
  const pids = Object.fromEntries(running.map(({ name, pid }) => [name, pid]));
  writeFileSync(`${fileIn(data)}.new`, `${JSON.stringify(pids, null, 2)}\n`);
  renameSync(`${fileIn(data)}.new`, fileIn(data));
}

/** @param {string} data */
export const removeProcesses = (data) => rmSync(fileIn(data), { force: true });
