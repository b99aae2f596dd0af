import type { PublicMethod } from '../../src/discovery/catalogue.js';
import type { LiveCatalogue } from '../../src/discovery/create-catalogue.js';
import { catalogueOf, wellKnownFiles } from './catalogues.js';
import { fileOf } from './files.js';

/** `notes.v1.NoteService`: a method of each kind, from `Note { string text = 1; int64 number = 2; }` to the same. */
const SERVICE = 'notes.v1.NoteService';
const fields = { text: 'string', number: 'int64' };
const METHODS = {
  Put: { fields },
  Get: { safe: true, fields },
  List: { streams: true, fields },
  Collect: { uploads: true, fields },
  Chat: { streams: true, uploads: true, fields },
};

/** The name of a method. */
export type NoteMethod = keyof typeof METHODS;

/** The path of a method. */
export const pathOf = (name: NoteMethod): string => `/${SERVICE}/${name}`;

/** The public methods of files, by path. Each instance has their contract. */
export function methodsOf(...files: Parameters<typeof catalogueOf>[0]): ReadonlyMap<string, PublicMethod> {
  const { services } = catalogueOf([...wellKnownFiles, ...files]);
  const methods = services.flatMap((service) => service.methods);
  return new Map(methods.map((one) => [one.method.path, { ...one, descAt: () => one.desc }]));
}

const methods = methodsOf(fileOf(SERVICE, METHODS));
const GONE = 'notes.v1.GoneService';

/** A catalogue of the service, and of one that no instance serves. It has no routes. */
export const noteCatalogue: Pick<LiveCatalogue, 'method' | 'route' | 'learning' | 'onChange'> = {
  method: (path) =>
    path === `/${GONE}/Put` ? { service: GONE, reason: 'NONE_RUNNING' } : (methods.get(path) ?? 'unknown'),
  route: () => undefined,
  learning: () => false,
  onChange: () => () => undefined,
};

/** A `Note` with a text, encoded; the text is shorter than 128 bytes. */
export function note(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(text)]), Buffer.from(text)]);
}
