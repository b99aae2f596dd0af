/** An expression that can't be read or has no value: where, and what to do. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
  /** Where it went wrong; the first character is column 1. */
  readonly column: number;

  constructor(column: number, problem: string) {
    super(`column ${column}: ${problem}`);
    this.column = column;
  }
}
