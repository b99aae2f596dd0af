/** One segment of a path template: a literal, `*` for one segment, or `**` for all that remain. */
export type TemplateSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'rest' };

/** A variable of a path template: the field that receives the path's segments `from` to `to` (exclusive). */
export interface TemplateVariable {
  /** The field's path in the request message, such as `project.name`. */
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

/** A parsed path template, such as `/v1/{name=projects/*}:estimate`. */
export interface PathTemplate {
  /** As written. */
  readonly text: string;
  readonly segments: readonly TemplateSegment[];
  readonly variables: readonly TemplateVariable[];
  /** The custom verb after the colon; empty if there is none. */
  readonly verb: string;
}
