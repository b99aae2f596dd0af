import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { faultsOf } from '../../generate/faults.js';
import { Refusal } from '../errors.js';
import type { Placed } from './source.js';
import type { Stage } from './stage.js';

const IMAGE = 'image.binpb';
/** More errors of buf aren't shown. */
const MAX_FINDINGS = 10;

/** A contract on a stage. */
export interface Staged extends Placed {
  readonly stage: Stage;
}

/**
 * Compiles all contracts of the stage together.
 *
 * @throws Refusal with buf's errors, those of the contract first.
 */
export async function compile({ stage, asked, files, shown }: Staged): Promise<FileRegistry> {
  const { code, output } = await stage.buf('build', '-o', IMAGE, '--error-format', 'json');
  const image = path.join(stage.folder, IMAGE);
  if (code === 0) return createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(image)));
  const findings = parseFindings(output);
  const ours = (found: Finding) => files.find((one) => `proto/${one.path}` === found.path);
  const first = findings.find(ours) ?? findings[0];
  if (first === undefined)
    throw new Refusal(output.trim(), { place: { file: shown(asked.file) }, remedy: 'run buf build to see more' });
  const reasons = [first, ...findings.filter((one) => one !== first)].slice(0, MAX_FINDINGS).map((one) => {
    const file = ours(one)?.file;
    return `${file === undefined ? one.path : shown(file)}:${one.line}: ${one.message}`;
  });
  throw new Refusal(reasons.join('\n'), {
    remedy: / declared multiple times/.test(first.message)
      ? 'give the contract a package of its own, or import the file that has it'
      : 'correct it',
  });
}

/**
 * Checks a contract as generation does.
 *
 * @throws Refusal with the first fault of what it says to Rondo, such as contradictory policies.
 */
export function refuseFaults(registry: FileRegistry, { files, shown }: Staged): void {
  const described = files.flatMap(({ path: name }) => registry.getFile(name) ?? []);
  const [fault] = faultsOf({ registry, files: described });
  const [, name, line, reason] = /^proto\/(\S+):(\d+|\?): (.*)$/s.exec(fault ?? '') ?? [];
  const found = files.find((file) => file.path === name);
  if (fault === undefined) return;
  if (found === undefined || reason === undefined) throw new Refusal(fault, { remedy: 'correct it' });
  throw new Refusal(reason, { place: { file: shown(found.file), line: Number(line) || 1 }, remedy: 'correct it' });
}

/** A finding of buf at a place in a file. */
interface Finding {
  /** The path that was given to buf: `proto/helloworld/helloworld.proto`. */
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Parses the output of buf with `--error-format json`: one finding a line, among other lines. */
function parseFindings(output: string): readonly Finding[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const found = JSON.parse(line);
    if (typeof found.path !== 'string') return [];
    return [{ path: found.path, line: found.start_line, message: found.message }];
  });
}
