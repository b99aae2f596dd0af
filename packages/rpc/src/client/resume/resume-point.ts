import type { Resume } from '../../contract/index.js';

/** How far the reader of a stream has come: what a further call asks for. */
export class ResumePoint {
  readonly #fields: Resume;
  readonly #request: unknown;
  #token: string | Uint8Array | undefined;

  constructor(fields: Resume, request: unknown) {
    this.#fields = fields;
    this.#request = request;
  }

  /** Notes what the reader has taken. What has no token is no point to go on from. */
  taken(message: unknown): void {
    const token = isMessage(message) ? message[this.#fields.response] : undefined;
    if ((typeof token === 'string' || token instanceof Uint8Array) && token.length > 0) this.#token = token;
  }

  /** The caller's own request, until there is a token. */
  get request(): unknown {
    if (this.#token === undefined || !isMessage(this.#request)) return this.#request;
    const copy: object = Object.create(Object.getPrototypeOf(this.#request));
    return Object.assign(copy, this.#request, { [this.#fields.request]: this.#token });
  }
}

function isMessage(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
