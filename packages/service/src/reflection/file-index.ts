import type { DescriptorFile } from './descriptors.js';

/** Descriptor files by all that reflection is asked for. */
export interface FileIndex {
  byName(name: string): DescriptorFile | undefined;
  /** The file that declares a fully qualified symbol. */
  bySymbol(symbol: string): DescriptorFile | undefined;
  byExtension(extendee: string, number: number): DescriptorFile | undefined;
  /** The numbers of a message's known extensions; undefined where the message isn't known. */
  extensionNumbers(extendee: string): readonly number[] | undefined;
  /** A file after all those that it imports, each once. */
  withDependencies(file: DescriptorFile): readonly DescriptorFile[];
}

/** Indexes `files`. */
export function indexFiles(files: readonly DescriptorFile[]): FileIndex {
  const names = new Map(files.map((file) => [file.name, file]));
  const symbols = new Map(files.flatMap((file) => file.symbols.map((symbol) => [symbol, file])));
  const extensions = new Map<string, Map<number, DescriptorFile>>();
  for (const file of files) {
    for (const { extendee, number } of file.extensions) {
      const numbers = extensions.get(extendee) ?? new Map<number, DescriptorFile>();
      extensions.set(extendee, numbers.set(number, file));
    }
  }
  return {
    byName: (name) => names.get(name),
    bySymbol: (symbol) => symbols.get(symbol),
    byExtension: (extendee, number) => extensions.get(extendee)?.get(number),
    extensionNumbers: (extendee) => {
      if (!symbols.has(extendee)) return undefined;
      return [...(extensions.get(extendee)?.keys() ?? [])].sort((a, b) => a - b);
    },
    withDependencies: (file) => [...collect(file, names, new Set())],
  };
}

function collect(
  file: DescriptorFile,
  names: ReadonlyMap<string, DescriptorFile>,
  seen: Set<DescriptorFile>,
): ReadonlySet<DescriptorFile> {
  for (const name of file.dependencies) {
    const dependency = names.get(name);
    if (dependency !== undefined && !seen.has(dependency)) collect(dependency, names, seen);
  }
  return seen.add(file);
}
