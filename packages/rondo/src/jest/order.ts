/**
 * A sequencer of jest: journeys and the laboratory begin first, as they wait for processes, and of them those that have the most to do.
 * The short tests of code fill what they leave of the machine, and the end of the run.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

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
    const sizes = new Map(tests.map((test) => [test, size(test)]));
    const bytes = (test: TestFile) => sizes.get(test) ?? 0;
    return tests.toSorted((one, other) => journey(other) - journey(one) || bytes(other) - bytes(one));
  }

  allFailedTests(tests: readonly TestFile[]): readonly TestFile[] {
    return tests;
  }

  cacheResults(): void {}
}

/** The bytes of a file and of the parts next to it that it imports: the longest journeys are a few lines, which import their parts. */
function size({ path: file, context }: TestFile): number {
  const parts = readFileSync(file, 'utf8').matchAll(/^import .*?'(\.\/[^']+)\.js';$/gm);
  const files = [...parts].map(([, part = '']) => `${path.join(path.dirname(file), part)}.ts`);
  return [file, ...files].reduce((sum, one) => sum + (context.hasteFS.getSize(one) ?? 0), 0);
}
