/** What is in folders. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * The files below a folder, as paths from there with `/` on every platform, sorted; none if there is no such folder. Links aren't
 * followed: `recursive` of Node 24 does, and would read the whole workspace through node_modules.
 * @param {string} folder
 * @returns {string[]}
 */
export const filesBelow = (folder) => (existsSync(folder) ? walk(folder, '').sort() : []);

function walk(folder, prefix) {
  return readdirSync(path.join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return walk(folder, `${prefix}${entry.name}/`);
    return entry.isFile() ? [`${prefix}${entry.name}`] : [];
  });
}
