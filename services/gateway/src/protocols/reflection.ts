import { createHash } from 'node:crypto';
import { clone, toBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ReflectedFile } from '@rondo/schema';
import { indexFiles, readDescriptorFile } from '@rondo/service/built-in';

type DescriptorFile = ReturnType<typeof readDescriptorFile>;
type FileIndex = ReturnType<typeof indexFiles>;

/** The files of a contract. */
export interface ReflectedContract {
  readonly files: readonly ReflectedFile[];
}

/**
 * Indexes contracts for reflection. The result makes an index for each reflection stream: as two contracts may have
 * different files of one name, a stream finds a name in the contract of its last answer first, then in the others
 * in order. Services, and methods by their paths, for which `isPublic` is false are cut out of their files.
 *
 * @throws Error if the bytes of a file aren't a file descriptor.
 */
export function indexContracts(
  contracts: readonly ReflectedContract[],
  isPublic: (name: string) => boolean,
): () => FileIndex {
  const read = createReader(isPublic);
  const indexes = contracts.map(({ files }) => indexFiles(files.map(read)));
  return () => searchIn(indexes);
}

function searchIn(indexes: readonly FileIndex[]): FileIndex {
  let last = indexes[0];
  const search = <T>(look: (index: FileIndex) => T | undefined): T | undefined => {
    const found = last && look(last);
    if (found !== undefined) return found;
    for (const index of indexes) {
      const other = look(index);
      if (other === undefined) continue;
      last = index;
      return other;
    }
    return undefined;
  };
  return {
    byName: (name) => search((index) => index.byName(name)),
    bySymbol: (symbol) => search((index) => index.bySymbol(symbol)),
    byExtension: (extendee, number) => search((index) => index.byExtension(extendee, number)),
    extensionNumbers: (extendee) => search((index) => index.extensionNumbers(extendee)),
    withDependencies: (file) => last?.withDependencies(file) ?? [file],
  };
}

/** Reads equal files once, so that a stream sends them once. */
function createReader(isPublic: (name: string) => boolean): (file: ReflectedFile) => DescriptorFile {
  const read = new Map<string, DescriptorFile>();
  return ({ proto, bytes }) => {
    const hash = createHash('sha256').update(bytes).digest('base64');
    const found = read.get(hash) ?? readDescriptorFile(publicPart({ proto, bytes }, isPublic));
    read.set(hash, found);
    return found;
  };
}

/** The file without what isn't public. Comments are left out with it, as they refer to it by position. */
function publicPart({ proto, bytes }: ReflectedFile, isPublic: (name: string) => boolean): Buffer {
  const part = clone(FileDescriptorProtoSchema, proto);
  part.service = part.service.filter(({ name }) => isPublic(qualify(proto, name)));
  for (const service of part.service) {
    service.method = service.method.filter(({ name }) => isPublic(`/${qualify(proto, service.name)}/${name}`));
  }
  const count = ({ service }: FileDescriptorProto) => service.length + service.flatMap(({ method }) => method).length;
  if (count(part) === count(proto)) return Buffer.from(bytes);
  delete part.sourceCodeInfo;
  return Buffer.from(toBinary(FileDescriptorProtoSchema, part));
}

const qualify = (file: FileDescriptorProto, name: string) => (file.package === '' ? name : `${file.package}.${name}`);
