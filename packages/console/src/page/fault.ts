/** Why a call failed. */
export class CallFault extends Error {
  override readonly name = 'CallFault';
  /** A name of gRPC in lower case, such as `aborted`. */
  readonly code: string;

  constructor({ code, message }: { readonly code: string; readonly message: string }) {
    super(message);
    this.code = code;
  }
}

/** The text of a fault for a person. */
export const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
