import type { PlacedFile } from '../../src/scaffold/contract/place.js';
import { scan } from '../../src/scaffold/contract/scan.js';

/** A placed file whose source has the same name. */
export function newFile(path: string, text: string): PlacedFile {
  const bytes = Buffer.from(text);
  return { path, bytes, state: 'new', source: { path, file: path, bytes, scan: scan(text) } };
}
