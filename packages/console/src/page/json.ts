/** The members of a oneof, each a field of its own. */
type Oneof<T> = {
  readonly [C in CaseOf<T>['$case']]?: Json<Extract<CaseOf<T>, { readonly $case: C }>['value']> | undefined;
};
type CaseOf<T> = Extract<T, { readonly $case: string; readonly value: unknown }>;

type Fields<T> = {
  readonly [K in keyof T as [CaseOf<T[K]>] extends [never] ? K : never]?: K extends 'updateMask'
    ? string
    : Json<NonNullable<T[K]>> | undefined;
};

/**
 * A message of a contract as JSON has it: what has its default value is missing, 64-bit integers and times are texts, an enum is the
 * name of its value, a mask is one text, and the case of a oneof is a field.
 */
export type Json<T> = T extends string | boolean
  ? T
  : T extends bigint | Date | Uint8Array
    ? string
    : T extends number
      ? `${number}` extends `${T}`
        ? number
        : string
      : T extends readonly (infer U)[]
        ? readonly Json<U>[]
        : Fields<T> & Oneof<T[keyof T]>;
