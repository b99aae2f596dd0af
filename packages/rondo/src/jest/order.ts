/**
 * A sequencer of jest: journeys and the laboratory begin first, as they wait for processes, however short their files are. The short
 * tests of code fill what they leave of the machine, and the end of the run.
 */
interface TestFile {
  readonly path: string;
  readonly context: {
    readonly config: { readonly displayName?: { readonly name: string } };
    readonly hasteFS: { getSize(path: string): number | null };
  };
}

export default class Order {
  sort(tests: readonly TestFile[]): readonly TestFile[] {
    const journey = ({ context }: TestFile) => Number(context.config.displayName?.name === 'e2e');
    const bytes = ({ path, context }: TestFile) => context.hasteFS.getSize(path) ?? 0;
    return tests.toSorted((one, other) => journey(other) - journey(one) || bytes(other) - bytes(one));
  }

  allFailedTests(tests: readonly TestFile[]): readonly TestFile[] {
    return tests;
  }

  cacheResults(): void {}
}
