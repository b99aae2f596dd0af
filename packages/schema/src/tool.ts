/** The argument of a tool that has the idempotency key of its method, if the key is metadata. */
export const KEY_ARGUMENT = 'idempotency_key';

/** The tool by which agents learn what became of an operation. No method has its name. */
export const GET_OPERATION = 'get_operation';

/** How agents call a tool: as its contract says, else the method's name in snake_case. */
export const toolName = ({ name }: { readonly name: string }, method: string): string =>
  name || method.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase();

/** Whether JSON has a form of its own for a message, which is no object, so that it can't be the arguments or the answer of a tool. */
export const isNoObject = (typeName: string): boolean => NO_OBJECTS.test(typeName);

const NO_OBJECTS =
  /^google\.protobuf\.(?:Any|Timestamp|Duration|FieldMask|ListValue|Value|(?:Double|Float|U?Int(?:32|64)|Bool|String|Bytes)Value)$/;
