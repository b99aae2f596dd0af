import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@rondo/harness';

const GUIDE = 'docs/guides/live-updates.md';

/**
 * Adds packages of the workspace to a service of a clone, as the guides say. The reader installs them afterwards.
 *
 * @throws Error if the guide shows other lines.
 */
export function addPackages(service: string, ...names: readonly string[]): void {
  const guide = readFileSync(join(root, GUIDE), 'utf8');
  const add = (file: string, list: string, entryOf: (name: string) => string) => {
    if (!guide.includes(`\`${entryOf('jobs')}\``)) throw new Error(`${GUIDE} doesn't show ${entryOf('jobs')}`);
    const entries = names.map((name) => `\n    ${entryOf(name)},`).join('');
    const text = readFileSync(join(service, file), 'utf8').replace(list, `${list}${entries}`);
    writeFileSync(join(service, file), text);
  };
  add('package.json', '"dependencies": {', (name) => `"@rondo/${name}": "workspace:*"`);
  add('tsconfig.json', '"references": [', (name) => `{ "path": "../../packages/${name}" }`);
}
