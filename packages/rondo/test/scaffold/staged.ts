import type { FileRegistry } from '@bufbuild/protobuf';
import { compile } from '../../src/scaffold/contract/load.js';
import type { PlacedFile } from '../../src/scaffold/contract/source.js';
import { withStage } from '../../src/scaffold/contract/stage.js';
import { root } from './folder.js';

/** A placed file whose source has the same name. */
export const newFile = (path: string, text: string): PlacedFile => ({
  path,
  bytes: Buffer.from(text),
  state: 'new',
  file: path,
});

/** Contracts that are compiled next to those of the tree, as `rondo new service` compiles them. */
export function compiled(...files: readonly [PlacedFile, ...PlacedFile[]]): Promise<FileRegistry> {
  const { signal } = new AbortController();
  const [asked] = files;
  return withStage({ root, files, signal }, (stage) => compile({ stage, asked, files, shown: (file) => file }));
}

/** Some files of a registry, as generation checks them. */
export const filesIn = (registry: FileRegistry, ...names: readonly string[]) => ({
  registry,
  files: names.flatMap((name) => registry.getFile(name) ?? []),
});
