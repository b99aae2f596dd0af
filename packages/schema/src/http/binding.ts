import type { PathTemplate } from './template.js';

/** One way to call a method by HTTP: a `google.api.HttpRule`, or one of its additional bindings. */
export interface HttpBinding {
  /** The HTTP method in upper case, such as `GET`, or the kind of a custom rule. */
  readonly verb: string;
  readonly template: PathTemplate;
  /** The field that the body fills: a field's name, `*` for all fields that the path doesn't fill, or empty for no body. */
  readonly body: string;
  /** The field of the reply that is the body of the answer; empty for the whole reply. */
  readonly responseBody: string;
}
