/** What a contract says of a resource, as generated code has it at run time: a message that a method `Get…` or `List…` returns. */
export interface ResourceDescription {
  /** The pattern of its names, such as `projects/{project}/tasks/{task}`: of `google.api.resource`, or of the method's HTTP rule. */
  readonly pattern: string;
  /** The method that lists them, such as `TaskService/ListTasks`. */
  readonly listedBy?: string;
  /** By their numbers. */
  readonly fields: readonly FieldDescription[];
}

/** What a contract says of a field. */
export interface FieldDescription {
  /** As in the contract, such as `display_name`. */
  readonly name: string;
  /** As in generated code, such as `displayName`. For members of a oneof it is the oneof. */
  readonly key: string;
  /** A scalar type such as `int64`, `enum`, `oneof`, `map`, or the full name of a message. */
  readonly type: string;
  readonly repeated?: true;
  /** Whether an unset value differs from zero. Messages have no such mark: they can always be unset. */
  readonly optional?: true;
  /** The values of `google.api.field_behavior`. */
  readonly behavior?: readonly string[];
  /** An enum's values by number, without the prefix that they share. */
  readonly values?: readonly (readonly [number: number, name: string])[];
  /** The prefix that the names of the values share in the contract, such as `BOOK_STATE_`. */
  readonly prefix?: string;
  /** Of a message that isn't one of Google's with a type of its own; missing inside of itself. Of a map its key and its value. */
  readonly fields?: readonly FieldDescription[];
}

/** What the generated code of a topic says of it at run time: `(rondo.options.v1.topic)`. */
export interface TopicDescription {
  /** The service that publishes it, such as `sales.v1.OrderService`. */
  readonly service: string;
  /** The field of an event's key, by its name in code; missing if events have no order. */
  readonly key?: string | undefined;
  /** How long its events are kept; missing if it is ephemeral. */
  readonly retentionMs?: number | undefined;
  /** The services that may subscribe; missing if each may. */
  readonly subscribers?: readonly string[] | undefined;
  /** Whether the newest event of each key waits for a slow instance. */
  readonly keepsLatest?: true | undefined;
}
