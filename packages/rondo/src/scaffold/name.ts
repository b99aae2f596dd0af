import { existsSync } from 'node:fs';
import path from 'node:path';
import { Refusal } from './errors.js';
import { composeServices } from './workspace-files/compose-file.js';

const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_LENGTH = 40;

/**
 * Names with another meaning: for the workspace, for PostgreSQL, for git (which ignores such folders) or for the
 * linter.
 */
const RESERVED = new Set([
  ...['registry', 'provision', 'gateway', 'google', 'grpc', 'health', 'rondo'],
  ...['postgres', 'template0', 'template1', 'public'],
  ...['bundle', 'coverage', 'dist', 'node-modules', 'src', 'test'],
]);

/**
 * Checks that a service may have a name.
 *
 * @throws Refusal if it may not.
 */
export function checkName(name: string): void {
  const refuse = (reason: string, remedy: string) => new Refusal(`"${name}" ${reason}`, { remedy });
  if (!NAME.test(name))
    throw refuse("isn't a valid service name", 'use lower-case words joined by -, such as order-history');
  if (name.length > MAX_LENGTH) throw refuse(`has ${name.length} characters`, `use at most ${MAX_LENGTH}`);
  if (/-\d+$/.test(name)) throw refuse('is like the name of an instance', 'let it not end with a number');
  if (RESERVED.has(name)) throw refuse('has another meaning in a workspace', 'choose another name');
}

/**
 * Checks that nothing else in the repository has the name.
 *
 * @throws Refusal if something has it.
 */
export function checkNameFree(root: string, name: string): void {
  for (const folder of [`services/${name}`, `packages/${name}`]) {
    if (existsSync(path.join(root, folder))) {
      const remedy = 'choose another name, or remove the folder if it has only files that git ignores';
      throw new Refusal('the folder exists already', { place: { file: folder }, remedy });
    }
  }
  const composed = composeServices(root).find((service) => service.name === name);
  if (composed !== undefined) {
    throw new Refusal(`"${name}" is in compose already`, {
      place: { file: composed.file, line: composed.line },
      remedy: 'choose another name',
    });
  }
}
