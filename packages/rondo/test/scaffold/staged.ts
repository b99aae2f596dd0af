import type { PlacedFile } from '../../src/scaffold/contract/source.js';

/** A placed file whose source has the same name. */
export const newFile = (path: string, text: string): PlacedFile => ({
  path,
  bytes: Buffer.from(text),
  state: 'new',
  file: path,
});
