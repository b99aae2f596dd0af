/** What buf finds wrong somewhere in a file. */
export interface Finding {
  /** As buf was told of it: `proto/helloworld/helloworld.proto`. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** The rule, such as `PACKAGE_VERSION_SUFFIX`; `COMPILE` for what doesn't compile. */
  readonly type: string;
  readonly message: string;
}

/** Reads what buf prints with `--error-format json`: a finding a line, among other lines. */
export function parseFindings(output: string): readonly Finding[] {
  return output.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    const found = JSON.parse(line);
    if (typeof found.path !== 'string') return [];
    return [
      {
        path: found.path,
        line: found.start_line,
        column: found.start_column,
        type: found.type,
        message: found.message,
      },
    ];
  });
}
