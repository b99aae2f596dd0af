import { readdirSync } from 'node:fs';
import path from 'node:path';

/** The files below a folder, as paths from there with `/` on every platform. Links aren't followed, as `recursive` of Node 24 would. */
export function filesBelow(folder: string, prefix = ''): readonly string[] {
  return readdirSync(path.join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return filesBelow(folder, `${prefix}${entry.name}/`);
    return entry.isFile() ? [`${prefix}${entry.name}`] : [];
  });
}
