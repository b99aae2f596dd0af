import { parseFindings } from './findings.js';
import type { Stage } from './stage.js';

/** How buf ends where a contract breaks a rule, as opposed to where it can't tell. */
const FOUND_SOMETHING = 100;

/**
 * What `buf lint` says of contracts by the tree's rules, and whether `buf format` would change them: a line each.
 *
 * @param files As others import them.
 */
export async function styleRemarks(stage: Stage, files: readonly string[]): Promise<readonly string[]> {
  const paths = files.flatMap((file) => ['--path', `proto/${file}`]);
  const lint = await stage.run('buf', 'lint', '--error-format', 'json', ...paths);
  if (lint.code !== 0 && lint.code !== FOUND_SOMETHING) throw new Error(`buf lint: ${lint.output.trim()}`);
  const format = await stage.run('buf', 'format', '--diff', ...paths);
  const unformatted = format.output.matchAll(/^\+\+\+ (.+?\.proto)\t/gm);
  return [
    ...parseFindings(lint.output).map(({ path: file, line, message }) => `${file}:${line}: ${message}`),
    ...[...unformatted].map(([, file]) => `${file}: isn't written as buf format writes it.`),
  ];
}
